"""A MariaDB in a directory of its own, with one database that is its user's."""

from __future__ import annotations

import socket
import subprocess

from ..support.acceptor_process import free_port
from .laboratory import LIMIT, owned

#: Of the database's user; the database listens on loopback and dies with the tests.
PASSWORD = "laboratory"

_CREATE = """
create database {name} character set {charset};
grant all on {name}.* to {name}@localhost identified by '{password}';
grant all on {name}.* to {name}@'127.0.0.1' identified by '{password}';
"""


class Database:
    """A running server; database and user have the same name."""

    def __init__(self, lab, name, charset="utf8mb4"):
        self.name, self.port = name, free_port()
        at = owned(lab.directory / f"mariadb-{name}", "mysql")
        self.socket = at / "socket"
        data, defaults = f"--datadir={at / 'data'}", "--no-defaults"
        trusted = "--auth-root-authentication-method=socket"
        lab.run(["mariadb-install-db", defaults, data, "--skip-test-db", trusted], user="mysql")
        command = ["mariadbd", defaults, data, f"--socket={self.socket}", f"--pid-file={at}/pid"]
        where = ["--bind-address=127.0.0.1", f"--port={self.port}"]
        daemon = lab.start(f"mariadb-{name}", [*command, *where], user="mysql")
        daemon.wait(self._listens, "the database is there")
        self.sql(_CREATE.format(name=name, charset=charset, password=PASSWORD), "mysql")

    def _listens(self):
        """Its socket is there a moment earlier, and refuses."""
        with socket.socket(socket.AF_UNIX) as trial:
            return trial.connect_ex(str(self.socket)) == 0

    def sql(self, statements, database=""):
        """The rows of statements, each a list of texts."""
        words = ["--no-defaults", "-N", f"--socket={self.socket}", database or self.name]
        done = subprocess.run(
            ["mariadb", *words],
            input=statements.encode(),
            capture_output=True,
            timeout=LIMIT,
            check=False,
        )
        # UUIDs are bytes: some are no UTF-8, some would be ends of lines.
        out, errors = (
            text.decode("utf-8", "backslashreplace") for text in (done.stdout, done.stderr)
        )
        assert done.returncode == 0, f"{out}{errors}"
        return [line.split("\t") for line in out.split("\n")[:-1]]
