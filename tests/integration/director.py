"""An Icinga Director in a directory of its own, over MariaDB, spoken to by `icingacli`. Nothing of
/etc/icingaweb2 is read.
"""

from __future__ import annotations

import json
import re
import subprocess

from .database import PASSWORD, Database
from .laboratory import LIMIT, as_user, environment, owned

MODULES = "/usr/share/icingaweb2/modules"

_RESOURCE = """
[director]
type = "db"
db = "mysql"
host = "127.0.0.1"
port = "{port}"
dbname = "director"
username = "director"
password = "{password}"
charset = "utf8"
"""


class Director:
    """The Director with a database of the newest schema, which knows the master's zone alone."""

    def __init__(self, lab):
        self.directory = owned(lab.directory / "director", "nobody")
        self.database = Database(lab, "director", "utf8")
        self.sql = self.database.sql
        self._configure()
        self.cli("migration", "run")
        # As its kickstart finds it in Icinga: from 1.11 on a template of hosts is rendered once for each zone.
        self.cli("zone", "create", "master", "--object_type", "external_object")

    def _configure(self):
        files = {
            "config.ini": f'[global]\nconfig_backend = "ini"\nmodule_path = "{MODULES}"\n'
            '[logging]\nlog = "none"\n',
            "resources.ini": _RESOURCE.format(port=self.database.port, password=PASSWORD),
            "modules/director/config.ini": '[db]\nresource = "director"\n',
        }
        for name, text in files.items():
            path = self.directory / "web" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        enabled = self.directory / "web/enabledModules"
        enabled.mkdir()
        for module in ("incubator", "director"):
            (enabled / module).symlink_to(f"{MODULES}/{module}")

    def cli(self, *words, given=""):
        """What `icingacli director ...` says."""
        variables = environment("nobody", {"ICINGAWEB_CONFIGDIR": self.directory / "web"})
        done = subprocess.run(
            as_user("nobody", ["icingacli", "director", *words]),
            env=variables,
            input=given,
            capture_output=True,
            encoding="utf-8",
            timeout=LIMIT,
            check=False,
        )
        assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"
        return done.stdout

    def restore(self, basket):
        """Import a basket."""
        return self.cli("basket", "restore", given=basket)

    def show(self, kind, name):
        """An object, as the Director would export it."""
        return json.loads(self.cli(kind, "show", name, "--json"))

    def stored(self):
        """Table -> its rows: all that a basket could have changed."""
        tables = self.sql("show tables")
        kept = [table for (table,) in tables if re.match("icinga_|director_data", table)]
        return {table: self.sql(f"select * from {table} order by 1, 2") for table in kept}

    def render(self):
        """Path -> text of the configuration that it would deploy."""
        self.cli("config", "render")
        rows = self.sql(
            "select f.file_path, hex(c.content) from director_generated_config_file f "
            "join director_generated_file c on f.file_checksum = c.checksum"
        )
        return {path: bytes.fromhex(content).decode() for path, content in rows}
