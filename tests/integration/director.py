"""An Icinga Director in a directory of its own, over MariaDB, spoken to by `icingacli`. Nothing of
/etc/icingaweb2 is read.
"""

from __future__ import annotations

import json
import re
import subprocess

from ..acceptor_process import free_port
from .laboratory import LIMIT, as_user, environment, owned

#: Of the database's user; the database listens on loopback and dies with the tests.
PASSWORD = "laboratory"

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

_USERS = """
create database director character set utf8;
grant all on director.* to director@localhost identified by '{password}';
"""


class Director:
    """The Director with an empty database of the newest schema."""

    def __init__(self, lab):
        self.lab, self.directory, self.port = lab, owned(lab.directory / "director"), free_port()
        self.socket = self.directory / "socket"
        self._database()
        self._configure()
        self.cli("migration", "run")

    def _database(self):
        data, defaults = owned(self.directory / "data", "mysql"), "--no-defaults"
        words = [f"--datadir={data}", "--skip-test-db"]
        trusted = "--auth-root-authentication-method=socket"
        self.lab.run(["mariadb-install-db", defaults, *words, trusted], user="mysql")
        owned(self.directory, "mysql")
        command = ["mariadbd", defaults, f"--datadir={data}", f"--socket={self.socket}"]
        where = ["--bind-address=127.0.0.1", f"--port={self.port}", f"--pid-file={data}/pid"]
        daemon = self.lab.start("mariadb", [*command, *where], user="mysql")
        daemon.wait(self.socket.exists, "the database is there")
        self.sql(_USERS.format(password=PASSWORD), database="mysql")

    def _configure(self):
        files = {
            "config.ini": f'[global]\nconfig_backend = "ini"\nmodule_path = "{MODULES}"\n'
            '[logging]\nlog = "none"\n',
            "resources.ini": _RESOURCE.format(port=self.port, password=PASSWORD),
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

    def _command(self, argv, given):
        """What a command that must succeed says, with text on its standard input."""
        done = subprocess.run(
            argv,
            input=given,
            capture_output=True,
            encoding="utf-8",
            # UUIDs are rows of bytes.
            errors="backslashreplace",
            timeout=LIMIT,
            check=False,
        )
        assert done.returncode == 0, f"{argv}: {done.stdout}{done.stderr}"
        return done.stdout

    def cli(self, *words, given=""):
        """What `icingacli director ...` says."""
        variables = environment("nobody", {"ICINGAWEB_CONFIGDIR": self.directory / "web"})
        set_ = ["env", "-i", *(f"{name}={value}" for name, value in variables.items())]
        return self._command(as_user("nobody", [*set_, "icingacli", "director", *words]), given)

    def sql(self, statements, database="director"):
        """The rows of statements, each a list of texts."""
        words = ["--no-defaults", "-N", f"--socket={self.socket}", database]
        printed = self._command(["mariadb", *words], statements)
        return [line.split("\t") for line in printed.splitlines()]

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
