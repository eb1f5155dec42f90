"""What Grafana does with a dashboard before and after it asks a database: it fills in variables and
macros, and names what comes back. Written from Grafana's documentation; Grafana itself is not here.
"""

from __future__ import annotations

import json
import re

from .influxdb import Series

#: Of a variable that is to match all.
ALL = "$__all"


class Dashboard:
    """A dashboard that is given values for its variables: `dashboard.chosen["host"] = ["a"]`."""

    def __init__(self, path, database):
        self.model, self.database = json.loads(path.read_text()), database
        self.panels = {panel["title"]: panel for panel in self.model["panels"]}
        self.variables = {
            one["name"]: one for one in self.model["templating"]["list"] if one["type"] == "query"
        }
        self.chosen = {name: one["current"]["value"] for name, one in self.variables.items()}

    def filled(self, text):
        """`${name:format}` replaced; a value of one's own for All is not formatted."""

        def value(found):
            name, form = found.groups()
            values = self.chosen[name]
            if values == [ALL]:
                return self.variables[name]["allValue"]
            if form == "regex":
                values = [re.sub(r"[\\^$*+?.()|[\]{}/]", r"\\\g<0>", one) for one in values]
                return values[0] if len(values) == 1 else f"({'|'.join(values)})"
            assert form == "glob", found[0]
            return values[0] if len(values) == 1 else f"{{{','.join(values)}}}"

        return re.sub(r"\$\{(\w+):(\w+)\}", value, text)

    def options(self, name):
        """What a variable offers."""
        one = self.variables[name]
        found = self.database.find(self.filled(one["query"]))
        if one["regex"]:
            pattern = re.compile(one["regex"].strip("/"))
            found = [fits[1] for fits in map(pattern.search, found) if fits]
        return sorted(set(found))

    def ask(self, title, ref, since, until):
        """Name -> points of one query of a panel, named as the panel's first step does."""
        panel = self.panels[title]
        target = next(one for one in panel["targets"] if one["refId"] == ref)
        found = self.database.query(target, self.filled, since, until)
        steps = [one for one in panel["transformations"] if one["id"] == "renameByRegex"]
        for step in steps:
            pattern = re.compile(f"^{step['options']['regex']}$")
            name = step["options"]["renamePattern"].replace("$1", r"\1")
            found = {pattern.sub(name, old): points for old, points in found.items()}
        return found


class OfInflux:
    """The InfluxDB data source with a database."""

    def __init__(self, database):
        self.database = database

    def find(self, query):
        """Of a variable."""
        return self.database.values(query)

    def query(self, target, filled, since, until):
        """Of a panel."""
        text = filled(target["query"])
        span = f"time >= {int(since * 1000)}ms and time <= {int(until * 1000)}ms"
        text = text.replace("$timeFilter", span).replace("$__interval", "1m")
        assert "$" not in re.sub(r"\$/", "", text), text
        found = self.database.series(text)
        named = [(self._name(target["alias"], one), one.points) for one in found]
        assert len(named) == len(dict(named)), [name for name, _ in named]
        return dict(named)

    @staticmethod
    def _name(alias, series: Series):
        return re.sub(r"\$tag_(\w+)", lambda found: series.tags[found[1]], alias)


class OfGraphite:
    """The Graphite data source with a database."""

    def __init__(self, database):
        self.database = database

    def find(self, query):
        """Of a variable."""
        return self.database.expand(re.fullmatch(r"expand\((.*)\)", query)[1])

    def query(self, target, filled, since, until):
        """Of a panel."""
        text = filled(target["target"])
        assert "${" not in text, text
        found = self.database.render(text, since, until)
        return {name: points for name, points in found.items() if points}
