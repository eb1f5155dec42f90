"""InfluxDB 1 in a directory of its own, and its answers as Grafana's data source reads them."""

from __future__ import annotations

import http.client
import json
import urllib.parse
from typing import NamedTuple

from ..support.acceptor_process import free_port
from .laboratory import owned

DATABASE = "icinga2"

_CONFIGURATION = """
reporting-disabled = true
bind-address = "127.0.0.1:{backup}"
[meta]
  dir = "{directory}/meta"
[data]
  dir = "{directory}/data"
  wal-dir = "{directory}/wal"
[http]
  bind-address = "127.0.0.1:{port}"
  log-enabled = false
[monitor]
  store-enabled = false
"""


class Series(NamedTuple):
    """A series of an answer: its tags, its points as (seconds, value) without empty ones."""

    tags: dict
    points: list


class InfluxDB:
    """The server; `port` is where Icinga writes to and Grafana asks."""

    def __init__(self, lab):
        directory, self.port = owned(lab.directory / "influxdb", "nobody"), free_port()
        configuration = directory / "influxdb.conf"
        configuration.write_text(
            _CONFIGURATION.format(directory=directory, port=self.port, backup=free_port())
        )
        self.daemon = lab.start("influxd", ["influxd", "-config", configuration], user="nobody")

    def create(self):
        """The database, once the server is up."""
        self.daemon.wait(self._there, "InfluxDB answers")
        self._ask("POST", q=f"CREATE DATABASE {DATABASE}")

    def write(self, host, label, field, points):
        """(seconds, value) points of a service `mapi`, as Icinga writes them."""
        tags = f"mapi_connectivity,hostname={host},service=mapi,metric={label}"
        lines = [f"{tags} {field}={value} {time}" for time, value in points]
        self._ask("POST", "write", "\n".join(lines), db=DATABASE, precision="s")

    def _there(self):
        try:
            return self._ask("GET", q="SHOW DATABASES")
        except OSError:
            return None

    def _ask(self, method, path="query", body=None, **parameters):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request(method, f"/{path}?{urllib.parse.urlencode(parameters)}", body)
            answer = connection.getresponse()
            text = answer.read().decode()
            assert answer.status in (200, 204), text
            return json.loads(text)["results"][0] if text else None
        finally:
            connection.close()

    def rows(self, query):
        """Series of the answer to one InfluxQL statement."""
        answer = self._ask("GET", db=DATABASE, epoch="s", q=query)
        assert "error" not in answer, f"{query}: {answer}"
        return answer.get("series", [])

    def series(self, query):
        """The answer to a SELECT of one column."""
        found = []
        for one in self.rows(query):
            assert len(one["columns"]) == 2, one["columns"]
            points = [(time, value) for time, value in one["values"] if value is not None]
            found.append(Series(one.get("tags", {}), points))
        return found

    def values(self, query):
        """The answer to SHOW TAG VALUES."""
        return [value for one in self.rows(query) for _, value in one["values"]]
