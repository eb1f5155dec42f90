"""Icinga Web with Icinga DB: redis, MariaDB, PHP's own server. Nothing of /etc/icingaweb2 is read."""

from __future__ import annotations

import urllib.parse

import requests

from ..support.acceptor_process import free_port
from .database import PASSWORD, Database
from .laboratory import owned

MODULES = "/usr/share/icingaweb2/modules"
SCHEMA = "/usr/share/icingadb/schema/mysql/schema.sql"
PUBLIC = "/usr/share/icingaweb2/public"

#: Who serves pages.
USER = "nobody"

_ICINGADB = """
database:
  type: mysql
  host: 127.0.0.1
  port: {database}
  database: icingadb
  user: icingadb
  password: {password}
redis:
  host: 127.0.0.1
  port: {redis}
"""

#: Files as they are, and all else by index.php, as other web servers do it. What PHP's own server says
#: of a page is mended by Icinga Web 2.12 only before PHP 8.4, where the server has a new name.
_ROUTER = f"""<?php
if (is_file("{PUBLIC}" . parse_url($_SERVER["REQUEST_URI"], PHP_URL_PATH))) return false;
$_SERVER["PHP_SELF"] = $_SERVER["SCRIPT_NAME"] = "/index.php";
$_SERVER["SCRIPT_FILENAME"] = "{PUBLIC}/index.php";
require "{PUBLIC}/index.php";
"""

#: Path -> text. Whom PHP's environment names is logged in, and may do everything.
_FILES = {
    "config.ini": f"""[global]
show_stacktraces = "1"
config_backend = "ini"
module_path = "{MODULES}"
[logging]
log = "none"
""",
    "authentication.ini": '[auth]\nbackend = "external"\n',
    "roles.ini": '[admins]\nusers = "admin"\npermissions = "*"\n',
    "resources.ini": """[icingadb]
type = "db"
db = "mysql"
host = "127.0.0.1"
port = "{database}"
dbname = "icingadb"
username = "icingadb"
password = "{password}"
charset = "utf8mb4"
""",
    "modules/icingadb/config.ini": '[icingadb]\nresource = "icingadb"\n',
    "modules/icingadb/redis.ini": '[redis1]\nhost = "127.0.0.1"\nport = "{redis}"\n',
}


class IcingaWeb:
    """The web side of a node: an Icinga 2 whose configuration has `feature` writes what is shown."""

    def __init__(self, lab):
        self.lab, self.directory = lab, owned(lab.directory / "web", USER)
        self.port, self.redis_port = free_port(), free_port()
        self.feature = (
            f'object IcingaDB "icingadb" {{\n  host = "127.0.0.1"\n  port = {self.redis_port}\n}}\n'
        )
        self.session = requests.Session()
        self.session.trust_env = False
        self._redis()
        self._database()
        self._icingadb()
        self._php()

    def _redis(self):
        where = ["--bind", "127.0.0.1", "--port", self.redis_port, "--dir", self.directory]
        command = ["redis-server", *where, "--save", "", "--appendonly", "no"]
        self.lab.start("redis", command, user=USER)

    def _database(self):
        self.database = Database(self.lab, "icingadb")
        self.database.sql(f"source {SCHEMA}")

    def _values(self):
        return {
            "database": self.database.port,
            "redis": self.redis_port,
            "password": PASSWORD,
        }

    def _icingadb(self):
        path = self.directory / "icingadb.yml"
        path.write_text(_ICINGADB.format(**self._values()))
        self.icingadb = self.lab.start("icingadb", ["icingadb", "-c", path], user=USER)

    def _php(self):
        etc = self.directory / "etc"
        for name, text in _FILES.items():
            path = etc / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text.format(**self._values()))
        (etc / "enabledModules").mkdir()
        (etc / "enabledModules/icingadb").symlink_to(f"{MODULES}/icingadb")
        options = ["-d", f"session.save_path={owned(self.directory / 'sessions', USER)}"]
        router = self.directory / "router.php"
        router.write_text(_ROUTER)
        where = ["-S", f"127.0.0.1:{self.port}", "-t", PUBLIC, router]
        self.php = self.lab.start(
            "php",
            ["php", *options, "-d", "date.timezone=UTC", *where],
            user=USER,
            ICINGAWEB_CONFIGDIR=etc,
            ICINGAWEB_LIBDIR="/usr/share/icinga-php",
            REMOTE_USER="admin",
        )

    def url(self, path, **query):
        """An address of Icinga DB Web."""
        # A plus sign is no blank here.
        words = urllib.parse.urlencode(query, quote_via=urllib.parse.quote)
        return f"http://127.0.0.1:{self.port}/icingadb/{path}?{words}"

    def service_url(self, host, name):
        """That of a service's page."""
        return self.url("service", **{"name": name, "host.name": host})

    def page(self, url, wanted):
        """A page once it has a text: the web side is a little behind."""

        def there():
            try:
                text = self.session.get(url, timeout=30).text
            except requests.ConnectionError:
                return None
            return text if wanted in text else None

        return self.php.wait(there, f"{url} has {wanted!r}")
