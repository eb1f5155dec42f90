"""Options by the names of their fields alone, whatever part they are in."""

from __future__ import annotations

from check_mapi_connectivity.base.options import (
    Account,
    Command,
    Display,
    Judging,
    Network,
    Options,
    Provenance,
    Replay,
    Server,
    Targets,
)
from check_mapi_connectivity.base.vocabulary import LABELS
from check_mapi_connectivity.commandline import parse
from check_mapi_connectivity.network.route import Means

PARTS = {
    "targets": Targets,
    "account": Account,
    "server": Server,
    "network": Network,
    "judging": Judging,
    "display": Display,
}

#: Method -> the labels of a run by certificate.
BY_CERTIFICATE = {
    method: tuple(label for label in labels if label != "secret_days")
    for method, labels in LABELS.items()
}


def made(**values):
    """Options with these fields."""
    parts = {
        part: kind(**{name: values.pop(name) for name in kind._fields if name in values})
        for part, kind in PARTS.items()
    }
    return Options(**parts, **values)


def changed(options, **values):
    """The same options with other values of some fields."""
    fields = {"cache_dir": options.cache_dir, "sources": options.sources}
    for part in PARTS:
        fields.update(getattr(options, part)._asdict())
    return made(**{**fields, **values})


class View:
    """What a command line came to: `view.timeout` is the field of that name in any part."""

    def __init__(self, command):
        self.command = command

    def __repr__(self):
        return repr(self.command)

    def __getattr__(self, name):
        command = self.command
        parts = [getattr(command.options, part) for part in PARTS]
        for holder in (*parts, command.options, command.provenance, command):
            if hasattr(holder, name):
                return getattr(holder, name)
        raise AttributeError(name)


def parsed(argv, environ):
    """The view of a command line; a Replay as it is."""
    command = parse.parse(argv, environ)
    return command if isinstance(command, Replay) else View(command)


def means(options):
    """What the transports of a run with these options are given."""
    return Means(options.network, options.display.verbose, options.cache_dir, options.confided)


def about(options):
    """What the JSON document says of the whole run."""
    return {
        "account": options.account,
        "network": options.network,
        "sources": options.sources,
    }


def command(options, mode="check", **provenance):
    """The command line that has these options."""
    return Command(options, mode, Provenance({}, **provenance))
