# Trees of Debian and Ubuntu, in which commands run as on a machine of their own. The scripts beside this one begin with
#   . "$(dirname "$0")/tree.bash"
#   apart "$@"
# and then say, in this order:
#   tree_of SUITE                     a tree with nothing but what every Debian, or Ubuntu, has
#   tree_of SUITE NAME PACKAGE...     with these packages, kept by that name for the next run
#   fetch install PACKAGE...          apt-get
#   pip_settings                      what this machine has set for pip is in force there, too
#   put_source                        this source at $place, as it is
#   inside COMMAND...                 as root
#   in_source COMMAND...              in the source, as $as
#   offline in_source COMMAND...      with no network but loopback
# Trees are kept in $BARE. What this machine has set for apt, and its authorities for TLS, is used in them, too.

store=${BARE:-/var/cache/check_mapi_connectivity-bare}
source=$(cd "$(dirname "$0")/.." && pwd)
home=/root mask=022 place=/root/check_mapi_connectivity as=() more=() network=()

# Runs the script in name spaces of its own: what it mounts and starts ends with them, before the tree is removed.
apart() {
  if [ -z "${TREE:-}" ]; then
    install -d "$store"
    TREE=$(mktemp -d "$store/run.XXXXXX")
    export TREE
    unshare --mount-proc --propagation private --pid --fork --kill-child bash -c "$(cat "$0")" "$0" "$@" &
    # Whoever ends this ends all of it.
    trap 'kill -KILL $! 2>/dev/null || true; rm -rf --one-file-system "$TREE"' EXIT
    wait $!
    exit
  fi
  tree=$TREE
}

# A tree without packages of its own.
bare_tree() {
  [ ! -e "$store/$1.made" ] || return 0
  rm -rf "${store:?}/$1"
  case $1 in noble) ubuntu_tree "$1" ;; *) debian_tree "$1" ;; esac
  touch "$store/$1.made"
}

# From the mirror that apt has.
debian_tree() {
  local mirror
  mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' 'Label: Debian' | head -n 1)
  bootstrapped "$1" debootstrap --variant=minbase "$1" "$store/$1" ${mirror:+"$mirror"}
}

# Made in a tree of Debian 13, which has a package with Ubuntu's keys, and a debootstrap that knows Ubuntu's mirror.
ubuntu_tree() {
  local tree=$tree/made
  bare_tree trixie
  mkdir "$tree"
  open_tree "$store/trixie"
  fetch install debootstrap ubuntu-archive-keyring
  bootstrapped "$1" inside ${http_proxy:+"http_proxy=$http_proxy"} \
    debootstrap --variant=minbase --components=main,universe "$1" "/$1"
  umount --recursive "$tree"
  mv "$tree/$1" "$store"
  rm -rf --one-file-system "$tree"
}

bootstrapped() { "${@:2}" >"$store/$1.log" 2>&1 || { tail -n 20 "$store/$1.log"; exit 1; }; }

tree_of() {
  local suite=$1 from=$store/$1 kept=${2:+$store/$2} packages=("${@:3}") proxy
  proxy=$(apt-config shell proxy Acquire::http::Proxy | sed "s/^proxy='\(.*\)'$/\1/")
  if [ -n "$proxy" ] && [ "$proxy" != DIRECT ]; then export http_proxy=$proxy; fi
  # Another run may be about to make it.
  exec 9>"$store/lock"
  flock 9
  if [ -n "$kept" ] && [ "$(cat "$kept.made" 2>/dev/null)" = "$suite ${packages[*]}" ]; then from=$kept; else bare_tree "$suite"; fi
  open_tree "$from"
  if [ -n "$kept" ]; then fetch install "${packages[@]}"; fi
  if [ -n "$kept" ] && [ "$from" != "$kept" ]; then
    fetch clean
    # Whoever is ended in the midst leaves no tree that counts as whole.
    rm -f "$kept.made"
    rm -rf "$kept"
    cp -a --reflink=auto --one-file-system "$tree/." "$kept"
    echo "$suite ${packages[*]}" >"$kept.made"
  fi
  exec 9>&-
}

# A copy of a kept tree, where commands can run and apt knows the packages of today.
open_tree() {
  local bundle=/etc/ssl/certs/ca-certificates.crt
  cp -a --reflink=auto "$1/." "$tree"
  # A mount name space within wants its root to be a mount point.
  mount --bind "$tree" "$tree"
  mount -t proc proc "$tree/proc"
  mount --rbind /dev "$tree/dev"
  show /etc/resolv.conf
  show /etc/hosts
  if [ -e "$bundle" ]; then install -m 0644 "$bundle" "$tree/run/authorities.crt"; fi
  {
    apt-config dump | grep -E '^Acquire::(http|https|Check|Retries|AllowInsecure)' || true
    echo 'Acquire::https::CAInfo "/run/authorities.crt";'
  } >"$tree/etc/apt/apt.conf.d/90machine"
  # No daemon begins because it is installed.
  printf '#!/bin/sh\nexit 101\n' | install -m 0755 /dev/stdin "$tree/usr/sbin/policy-rc.d"
  fetch update -q
}

# Shows a file or directory of this machine in the tree, to be read only.
show() {
  local there=$tree$1
  [ -e "$1" ] || return 0
  if [ -d "$1" ]; then mkdir -p "$there"; else mkdir -p "${there%/*}"; [ -e "$there" ] || : >"$there"; fi
  mount --bind "$(realpath "$1")" "$there"
  mount -o remount,bind,ro "$there"
}

inside() { "${network[@]}" chroot "$tree" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME="$home" LC_ALL=C.UTF-8 "$@"; }

fetch() {
  inside DEBIAN_FRONTEND=noninteractive apt-get -y -q --no-install-recommends -o Dpkg::Options::=--force-unsafe-io "$@" \
    >"$tree/tmp/apt.log" 2>&1 || { tail -n 20 "$tree/tmp/apt.log"; exit 1; }
}

in_source() { inside "${more[@]}" "${as[@]}" sh -c 'umask "$1" && cd "$2" && shift 2 && exec "$@"' sh "$mask" "$place" "$@"; }

# Loopback is raised by Python: Debian's smallest tree has no program for it.
offline() {
  local network=(unshare --net sh -c '"$0" -c "import fcntl, socket, struct
fcntl.ioctl(socket.socket(), 0x8914, struct.pack(\"16sH14x\", b\"lo\", 0x41))" && exec "$@"' python3)
  "$@"
}

put_source() {
  inside "${as[@]}" sh -c 'umask "$1" && mkdir -p "$2"' sh "$mask" "$place"
  (cd "$source" && git ls-files -z --cached --others --exclude-standard | tar --null -c -T -) |
    in_source tar -x --no-same-owner --no-same-permissions
}

# pip's settings as variables, one NAME=value a line, then the paths that they name.
pip_settings() {
  local settings name word
  settings=$(python3 - <<'END'
import ast, os, subprocess, sys
said = subprocess.run([sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=True)
found = {}
for line in said.stdout.splitlines():
    name, _, value = line.partition("=")
    kind, _, option = name.partition(".")
    if kind in ("global", "install", ":env:") and not (kind == ":env:" and option.strip("'") == "config-file"):
        found[option.strip("'").replace("-", "_").upper()] = " ".join(ast.literal_eval(value).split())
for name, value in found.items():
    print(f"PIP_{name}={value}")
END
  )
  if [ -n "$settings" ]; then mapfile -t more <<<"$settings"; fi
  for name in http_proxy https_proxy no_proxy HTTP_PROXY HTTPS_PROXY NO_PROXY; do
    if [ -n "${!name:-}" ]; then more+=("$name=${!name}"); fi
  done
  for word in ${settings//=/ }; do
    # The pages of an index lead to files beside it.
    case $word in file:///*/*/*) word=${word%/} word=${word%/*} ;; esac
    word=${word#file://}
    case $word in /*) show "$word" ;; esac
  done
}

# timed WHAT COMMAND...
timed() {
  local begun=$SECONDS
  "${@:2}"
  printf '== %s took %d s\n' "$1" $((SECONDS - begun))
}
