"""Graphite in a directory of its own: carbon takes what Icinga writes, graphite-web answers Grafana."""

from __future__ import annotations

import http.client
import json
import socket
import urllib.parse
from pathlib import Path

from ..support.acceptor_process import free_port
from .laboratory import owned

_CARBON = """
[cache]
STORAGE_DIR = {directory}/storage
LOCAL_DATA_DIR = {directory}/storage/whisper
CONF_DIR = {directory}
LOG_DIR = {directory}/log
PID_DIR = {directory}
LINE_RECEIVER_INTERFACE = 127.0.0.1
LINE_RECEIVER_PORT = {port}
PICKLE_RECEIVER_INTERFACE = 127.0.0.1
PICKLE_RECEIVER_PORT = {pickle}
CACHE_QUERY_INTERFACE = 127.0.0.1
CACHE_QUERY_PORT = {cache}
ENABLE_TAGS = False
CARBON_METRIC_INTERVAL = 0
MAX_CREATES_PER_MINUTE = inf
MAX_UPDATES_PER_SECOND = inf
"""

#: What /etc/graphite/local_settings.py is on a real machine; nothing is remembered between answers.
_WEB = """
SECRET_KEY = {secret!r}
ALLOWED_HOSTS = ["127.0.0.1"]
TIME_ZONE = "UTC"
GRAPHITE_ROOT = "/usr/share/graphite-web"
CONF_DIR = STORAGE_DIR = {storage!r}
STATIC_ROOT = "/usr/share/graphite-web/static"
WHISPER_DIR = {storage!r} + "/whisper"
INDEX_FILE = {storage!r} + "/index"
LOG_DIR = {log!r}
LOG_ROTATION = False
CARBONLINK_HOSTS = ["127.0.0.1:{cache}"]
FUNCTION_PLUGINS = []
DEFAULT_CACHE_DURATION = FIND_CACHE_DURATION = 0
DATABASES = {{
    "default": {{"ENGINE": "django.db.backends.sqlite3", "NAME": {storage!r} + "/graphite.db"}}
}}
"""


class Graphite:
    """Carbon on `port` and graphite-web; `settings` are the shipped files for carbon."""

    def __init__(self, lab, **settings):
        directory = owned(lab.directory / "graphite", "nobody")
        storage, log = owned(directory / "storage", "nobody"), owned(directory / "log", "nobody")
        owned(storage / "whisper", "nobody")
        self.port, self.web, cache = free_port(), free_port(), free_port()
        for name, file in settings.items():
            (directory / f"{name.replace('_', '-')}.conf").write_bytes(Path(file).read_bytes())
        carbon = directory / "carbon.conf"
        carbon.write_text(
            _CARBON.format(directory=directory, port=self.port, pickle=free_port(), cache=cache)
        )
        (directory / "laboratory_settings.py").write_text(
            _WEB.format(secret="of the laboratory", storage=str(storage), log=str(log), cache=cache)
        )
        argv = ["carbon-cache", f"--config={carbon}", "--nodaemon", "start"]
        self.carbon = lab.start("carbon", argv, user="nobody")
        self.daemon = lab.start(
            "graphite-web",
            ["graphite-manage", "runserver", "--noreload", f"127.0.0.1:{self.web}"],
            user="nobody",
            GRAPHITE_SETTINGS_MODULE="laboratory_settings",
            PYTHONPATH=directory,
            PYTHONDONTWRITEBYTECODE=1,
        )

    def ready(self):
        """Waits until it listens and answers."""
        self.carbon.wait(self._listens, "carbon listens")
        self.daemon.wait(self._there, "graphite-web answers")

    def _listens(self):
        try:
            socket.create_connection(("127.0.0.1", self.port)).close()
        except OSError:
            return False
        return True

    def _there(self):
        try:
            return self._ask("metrics/expand", query="*")
        except OSError:
            return None

    def write(self, host, label, field, points):
        """(seconds, value) points of a service `mapi`, as Icinga writes them."""
        path = f"icinga2.{host}.services.mapi.mapi_connectivity.perfdata.{label}.{field}"
        lines = [f"{path} {value} {time}\n" for time, value in points]
        with socket.create_connection(("127.0.0.1", self.port), 10) as carbon:
            carbon.sendall("".join(lines).encode())

    def _ask(self, path, **parameters):
        connection = http.client.HTTPConnection("127.0.0.1", self.web, timeout=20)
        try:
            connection.request("GET", f"/{path}?{urllib.parse.urlencode(parameters)}")
            answer = connection.getresponse()
            text = answer.read().decode()
            assert answer.status == 200, f"{path} {parameters}: {text[:2000]}"
            return json.loads(text)
        finally:
            connection.close()

    def render(self, target, since, until):
        """Name -> points as (seconds, value) without empty ones; names are unique."""
        answer = self._ask(
            "render",
            **{"target": target, "from": int(since), "until": int(until)},
            format="json",
            maxDataPoints=1000,
        )
        names = [one["target"] for one in answer]
        assert len(names) == len(set(names)), names
        return {
            one["target"]: [(time, value) for value, time in one["datapoints"] if value is not None]
            for one in answer
        }

    def expand(self, query):
        """Paths that fit."""
        return self._ask("metrics/expand", query=query)["results"]
