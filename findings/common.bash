# Sourced by every finding: a temporary folder, public packages in it, and how a finding ends.
# Nothing is installed on the machine; all that was started ends with the script.

set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
folder=$(mktemp -d)
started=()

finish() {
    for leader in "${started[@]}"; do
        kill -KILL -- "-$leader" 2>/dev/null || true
    done
    rm -rf "$folder"
}
trap finish EXIT
trap 'exit 1' INT TERM

# Daemons have no business with root: they and the folder belong to nobody, where root runs this.
user=$(id -un) group=$(id -gn) as=()
if [ "$(id -u)" = 0 ]; then
    user=nobody group=nogroup
    as=(setpriv --reuid "$user" --regid "$group" --clear-groups)
fi
chmod 755 "$folder"
cd "$folder"

# debian NAME=VERSION [NAME ...]: unpack packages; those without a version are libraries of the others.
debian() {
    local package
    apt-get download -q "$@" >>install.log 2>&1 || { echo "cannot install $*, so nothing is known"; exit 2; }
    for package in *.deb; do
        dpkg -x "$package" .
        rm "$package"
    done
    echo "packages: $*"
}

# python NAME==VERSION: an environment of its own, in ./NAME==VERSION.
python() {
    python3 -m venv "$1" >>install.log 2>&1 && "$1/bin/pip" install -q "$1" >>install.log 2>&1 ||
        { echo "cannot install $1, so nothing is known"; exit 2; }
    echo "package: $1"
}

# plugin NAME: a stand-in for a check, from standard input.
plugin() {
    cat >"$1"
    chmod 755 "$1"
}

# daemon COMMAND ...: start it, end it with this script.
daemon() {
    [ ${#as[@]} = 0 ] || chown -R "$user:$group" "$folder"
    setsid "${as[@]}" "$@" >>daemon.log 2>&1 </dev/null &
    started+=($!)
    disown
}

# await PATTERN N: wait until the files of a name or pattern have N lines.
await() {
    local tries
    for tries in $(seq 300); do
        [ "$(cat $1 2>/dev/null | wc -l)" -lt "$2" ] || return 0
        sleep 0.1
    done
    echo "nothing came after $((tries / 10)) seconds:"
    cat daemon.log
    exit 2
}

# is WHAT EXPECTED SEEN: show it, or end because the behaviour has changed.
is() {
    echo "$1: $3"
    [ "$2" = "$3" ] || { echo "CHANGED, it was: $2"; exit 1; }
}
