"""Nagios 4 in a directory of its own; its results are read from status.dat."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

from ..conftest import Outcome
from .laboratory import owned

#: Files with the objects that Debian brings, which the shipped ones build on.
DEBIAN = [
    f"/etc/nagios4/objects/{name}.cfg"
    for name in ("commands", "contacts", "templates", "timeperiods")
]

#: As Debian's nagios.cfg, but for paths, and all first checks at once.
_CONFIGURATION = """
log_file={here}/nagios.log
object_cache_file={here}/objects.cache
precached_object_file={here}/objects.precache
status_file={here}/status.dat
status_update_interval=1
temp_file={here}/nagios.tmp
temp_path={here}
check_result_path={here}/spool
state_retention_file={here}/retention.dat
lock_file={here}/nagios.lock
query_socket={here}/nagios.qh
command_file={here}/nagios.cmd
resource_file={here}/resource.cfg
check_external_commands=0
nagios_user=nagios
nagios_group=nagios
service_inter_check_delay_method=n
service_interleave_factor=1
service_check_timeout=60
enable_notifications=0
check_for_updates=0
use_syslog=0
illegal_macro_output_chars=`~$&|'"<>
"""

_STATUS = re.compile(r"^servicestatus \{\n(.*?)^\t\}", re.MULTILINE | re.DOTALL)
_ESCAPED = re.compile(r"\\(.)")


def _character(escaped):
    return "\n" if escaped[1] == "n" else escaped[1]


class Nagios:
    """One Nagios; `files` are configuration files as they are shipped, `plugins` is $USER1$,
    `secrets` $USER11$.
    """

    def __init__(self, lab, plugins, files, objects, secrets="/etc/check_mapi_connectivity"):
        self.lab, self.daemon = lab, None
        self.directory = owned(Path(tempfile.mkdtemp(prefix="nagios-", dir=lab.directory)))
        self.directory.chmod(0o755)
        owned(self.directory / "spool")
        macros = f"$USER1$={plugins}\n$USER11$={secrets}\n"
        (self.directory / "resource.cfg").write_text(macros)
        (self.directory / "objects.cfg").write_text(objects)
        lines = _CONFIGURATION.format(here=self.directory)
        for path in map(Path, files):
            (self.directory / path.name).write_bytes(path.read_bytes())
            lines += f"cfg_file={self.directory / path.name}\n"
        lines += f"cfg_file={self.directory / 'objects.cfg'}\n"
        (self.directory / "nagios.cfg").write_text(lines)

    def validate(self):
        """What `nagios4 -v` says of the configuration, which has to be valid."""
        return self.lab.run(["nagios4", "-v", self.directory / "nagios.cfg"])

    def start(self, **variables):
        """The daemon, which is not waited for."""
        command = ["nagios4", self.directory / "nagios.cfg"]
        self.daemon = self.lab.start(self.directory.name, command, **variables)

    def services(self):
        """(host, description) -> members of status.dat, for services that have been checked."""
        path, found = self.directory / "status.dat", {}
        for block in _STATUS.findall(path.read_text() if path.exists() else ""):
            members = dict(line.strip().split("=", 1) for line in block.splitlines())
            if members["has_been_checked"] == "1":
                found[members["host_name"], members["service_description"]] = members
        return found

    def outcome(self, host, service):
        """What Nagios kept of a check, as the check would have printed it."""

        def there():
            return self.services().get((host, service))

        kept = self.daemon.wait(there, f"{host} {service} has been checked")
        text = f"{kept['plugin_output']} | {kept['performance_data']}"
        if kept["long_plugin_output"]:
            text += "\n" + _ESCAPED.sub(_character, kept["long_plugin_output"])
        return Outcome(int(kept["current_state"]), text, "", float(kept["check_execution_time"]))
