# Sourced by findings about Icinga 2, after common.bash.

# icinga: Icinga 2 in this folder. "${icinga[@]}" is its daemon's command line, to which -C may be added;
# icinga2.conf is its configuration, to be added to.
icinga() {
    debian icinga2-bin=2.13.6-2+deb12u2 \
        libboost-{context,coroutine,filesystem,iostreams,program-options,regex,thread}1.74.0 \
        libicu72 libedit2 libbsd0 libmd0 libssl3
    cat >icinga2.conf <<CONFIGURATION
const NodeName = "node"
const ZoneName = "node"
object CheckerComponent "checker" { }
CONFIGURATION
    local part at
    at=usr/lib/$(uname -m)-linux-gnu
    icinga=(env "LD_LIBRARY_PATH=$folder/$at:$folder/$at/icinga2" "$at/icinga2/sbin/icinga2"
        daemon -c "$folder/icinga2.conf"
        "-DConfiguration.RunAsUser=$user" "-DConfiguration.RunAsGroup=$group")
    for part in Config Data Log Cache Spool InitRun; do
        mkdir "$part"
        icinga+=("-DConfiguration.${part}Dir=$folder/$part")
    done
    [ ${#as[@]} = 0 ] || chown -R "$user:$group" "$folder"
}
