"""The basket of the Icinga Director: command, data fields, lists of values, templates, services.

Director numbers what it imports by itself: the numbers here only tie fields to the list of them.
What is there already is known by its name: Director 1.10 cannot read the UUIDs that newer ones
write. Shape of a basket: `library/Director/DirectorObject/Automation` of Director 1.10.
"""

from __future__ import annotations

import json
import textwrap
from typing import Any

from check_mapi_connectivity.base import vocabulary
from check_mapi_connectivity.commandline import given, option_table
from check_mapi_connectivity.commandline import option as commandline_option

from . import WORDS, icinga2

PATH = f"icinga-templates/director/{vocabulary.PLUGIN}-basket.json"

HOST_TEMPLATE = "tpl-host-exchange-tenant"
MAILBOX_TEMPLATE = "tpl-service-mapi-mailbox"
SIGN_IN_TEMPLATE = "tpl-service-mapi-sign-in"
FED_TEMPLATE = "tpl-service-mapi-fed-mailbox"
FEED_TEMPLATE = "tpl-service-mapi-feed"
SERVICE_SET = "Exchange Online mailboxes"
FED_SET = "Exchange Online mailboxes, fed by one run"
SIGN_IN = "mapi sign-in"
FEED = "mapi feed"

#: What a host needs for the set of services.
_NEEDED = ("mapi_tenant", "mapi_mailbox")

#: The Director's filter for such hosts.
_EXCHANGE_ONLINE = "&".join(f"host.vars.{name}=true" for name in _NEEDED)

#: Fields of the host template, by option; all others are added where they are needed.
HOST_FIELDS = (
    "tenant",
    "mailbox",
    "cloud",
    "method",
    "warning",
    "critical",
    "submit",
    "submit-url",
    "submit-user",
    "submit-password-file",
    "submit-ca-file",
)

#: How parts of an option's name are written.
_SPELLED = {"url": "URL", "id": "ID", "dn": "DN", "ca": "CA", "spn": "SPN", "imds": "IMDS"}

#: Captions that the option's name does not tell.
_CAPTIONS = {
    "ipv4": "IPv4 only",
    "ipv6": "IPv6 only",
    "legacy-dn": "LegacyExchangeDN",
    "min-tls": "Lowest TLS version",
    "mapi-url": "MAPI URL",
    "state": "State of failures",
    "verbose": "Verbosity (0 to 3)",
    "warning": "Warning (connection time)",
    "critical": "Critical (connection time)",
    "warning-for": "Warning (other labels)",
    "critical-for": "Critical (other labels)",
}


def caption(name: str) -> str:
    """What a form calls an option.

    >>> caption("client-id"), caption("ca-file"), caption("min-tls")
    ('Client ID', 'CA file', 'Lowest TLS version')
    """
    text = " ".join(_SPELLED.get(part, part) for part in name.split("-"))
    return _CAPTIONS.get(name, text[:1].upper() + text[1:])


def _list_name(words: tuple[str, ...]) -> str:
    """The name of a list: that of the first option that takes these words."""
    name = next(name for name, of in WORDS.items() if of == words)
    return f"{vocabulary.PLUGIN} {name}"


def _type(option: commandline_option.Option) -> tuple[str, dict[str, str]]:
    """Data type of an option's field, and its settings."""
    if option.name in WORDS:
        many = "array" if option.shape == commandline_option.LIST else "string"
        settings = {"behavior": "strict", "data_type": many}
        return "Datalist", {**settings, "datalist": _list_name(WORDS[option.name])}
    if option.shape == commandline_option.LIST:
        return "Array", {}
    if option.shape == commandline_option.FLAG:
        return "Boolean", {}
    if option.shape == commandline_option.COUNT or option.metavar in ("N", "PORT"):
        return "Number", {}
    return "String", {"visibility": "visible"}


def _field(
    varname: str, title: str, text: str, category: str, of: tuple[str, dict[str, str]]
) -> dict[str, Any]:
    """A data field as a basket has it."""
    return {
        "varname": varname,
        "caption": title,
        "description": text,
        "datatype": f"Icinga\\Module\\Director\\DataType\\DataType{of[0]}",
        "format": None,
        "settings": of[1],
        "category": f"MAPI connectivity: {category}",
    }


def fields() -> list[dict[str, Any]]:
    """A field for each variable: those of the arguments, then the secrets."""
    found = [
        _field(
            icinga2.variable(option.name), caption(option.name), option.help, title, _type(option)
        )
        for title, group in option_table.GROUPS
        for option in group
        if option.name not in icinga2.LEFT_OUT
    ]
    for name, environment in given.ENVIRONMENT_SECRETS.items():
        text = (
            f"The check gets it as {environment}. A file is better (--{given.INI_SECRETS[name]}): "
            "Icinga's API shows custom variables."
        )
        title = f"{caption(name)} (secret)"
        hidden = ("String", {"visibility": "hidden"})
        found.append(_field(icinga2.secret_variable(name), title, text, "secrets", hidden))
    return found


def _numbered() -> dict[str, dict[str, Any]]:
    """Number in the basket -> field."""
    return {str(number): field for number, field in enumerate(fields(), 1)}


def _used(varnames: list[str], required: tuple[str, ...] = ()) -> list[dict[str, Any]]:
    """The fields of an object, by their numbers."""
    numbers = {field["varname"]: int(number) for number, field in _numbered().items()}
    return [
        {
            "datafield_id": numbers[varname],
            "is_required": "y" if varname in required else "n",
            "var_filter": None,
        }
        for varname in varnames
    ]


def _lists() -> dict[str, Any]:
    """The lists of values."""
    return {
        _list_name(words): {
            "list_name": _list_name(words),
            "owner": vocabulary.PLUGIN,
            "entries": [
                {
                    "entry_name": word,
                    "entry_value": word,
                    "format": "string",
                    "allowed_roles": None,
                }
                for word in sorted(words)
            ],
        }
        for words in dict.fromkeys(WORDS.values())
    }


def _expression(text: str) -> dict[str, str]:
    """An expression of Icinga's language."""
    return {"type": "Function", "body": textwrap.dedent(text[2:-2]).strip()}


def _argument(argument: icinga2.Argument) -> dict[str, Any]:
    """One argument."""
    found: dict[str, Any] = {"description": argument.description}
    if argument.value:
        is_text = not argument.value.startswith("{{")
        found["value"] = argument.value if is_text else _expression(argument.value)
    if argument.set_if.startswith("{{"):
        found["set_if"] = argument.set_if[2:-2].strip()
        found["set_if_format"] = "expression"
    elif argument.set_if:
        found["set_if"] = argument.set_if
        found["set_if_format"] = "string"
    if argument.repeat_key:
        found["repeat_key"] = True
    if argument.skip_key:
        found["skip_key"] = True
    return found


def _command() -> dict[str, Any]:
    """The command: external, because the file of templates that comes with the plugin has it."""
    return {
        "object_name": icinga2.COMMAND,
        "object_type": "external_object",
        "methods_execute": "PluginCheck",
        "command": f"PluginContribDir + /{vocabulary.PLUGIN}",
        "timeout": icinga2.TIMEOUT,
        "arguments": {argument.key: _argument(argument) for argument in icinga2.arguments()},
        "fields": _used([field["varname"] for field in fields()]),
    }


def _host_template() -> dict[str, Any]:
    """A tenant, with the fields that a set of services needs."""
    varnames = [icinga2.variable(name) for name in HOST_FIELDS]
    return {
        "object_name": HOST_TEMPLATE,
        "object_type": "template",
        "check_command": "dummy",
        "vars": {"dummy_state": 0, "dummy_text": "An Exchange Online tenant"},
        "fields": _used(varnames, _NEEDED),
    }


def _service_template(name: str, **attributes: Any) -> dict[str, Any]:
    """A service template of the command."""
    usual = {"check_command": icinga2.COMMAND, "retry_interval": 60, "enable_perfdata": True}
    return {"object_name": name, "object_type": "template", **usual, **attributes}


#: What a host's variables say of mailboxes is not for the sign-in.
_SIGN_IN_ONLY = {
    "mapi_sign_in_only": True,
    "mapi_mailbox": "none",
    "mapi_mailbox_file": "none",
    "mapi_archive": False,
    "mapi_warning": "none",
    "mapi_critical": "none",
    "mapi_warning_for": "none",
}


def _service_templates() -> dict[str, Any]:
    """One for a mailbox, one for the sign-in; the reasons are told in `icinga2/templates.conf`."""
    off = ["certificate_days=none"]
    mailbox = _service_template(
        MAILBOX_TEMPLATE,
        check_interval=300,
        max_check_attempts=4,
        vars={"mapi_warning_for": off, "mapi_critical_for": off, "mapi_submit": "none"},
    )
    sign_in = _service_template(
        SIGN_IN_TEMPLATE,
        check_interval=120,
        max_check_attempts=3,
        vars={**_SIGN_IN_ONLY, "mapi_critical_for": off, "mapi_submit": "none"},
    )
    fed = _service_template(
        FED_TEMPLATE,
        check_command=icinga2.NO_RESULT,
        check_interval=900,
        retry_interval=900,
        max_check_attempts=1,
        enable_active_checks=True,
        enable_flapping=False,
        vars={"mapi_fed": True, **icinga2.NO_RESULT_VARS},
    )
    feed = _service_template(
        FEED_TEMPLATE,
        check_interval=300,
        max_check_attempts=2,
        check_timeout=280,
        vars={
            "mapi_warning_for": off,
            "mapi_critical_for": off,
            "mapi_timeout": "240",
            "mapi_concurrency": 16,
            "mapi_submit_host": "$host.name$",
            "mapi_submit_service": "mapi {mailbox}",
        },
    )
    made = (mailbox, sign_in, fed, feed)
    return {template["object_name"]: template for template in made}


def _service(name: str, template: str, **attributes: Any) -> dict[str, Any]:
    """A service of the set."""
    return {
        "object_name": name,
        "object_type": "apply",
        "imports": [template],
        **attributes,
    }


def _each(template: str) -> dict[str, Any]:
    """One service for each mailbox of a host."""
    return _service(
        "mapi $config$",
        template,
        apply_for="host.vars.mapi_mailbox",
        vars={"mapi_mailbox": "$config$"},
    )


def _service_sets() -> dict[str, Any]:
    """The sign-in, and one service for each mailbox, on each host that names a mailbox for it: each
    asks by itself, or one run brings results to all.
    """
    sign_in = _service(SIGN_IN, SIGN_IN_TEMPLATE)
    by_itself = {
        "object_name": SERVICE_SET,
        "object_type": "template",
        "description": "Sign-in to a tenant, and one service for each of its mailboxes",
        "assign_filter": f"{_EXCHANGE_ONLINE}&!host.vars.mapi_submit=true",
        "services": [sign_in, _each(MAILBOX_TEMPLATE)],
    }
    fed = {
        "object_name": FED_SET,
        "object_type": "template",
        "description": "The same for hosts with the field Submit: one run gives all their results",
        "assign_filter": f"{_EXCHANGE_ONLINE}&host.vars.mapi_submit=true",
        "services": [sign_in, _service(FEED, FEED_TEMPLATE), _each(FED_TEMPLATE)],
    }
    return {SERVICE_SET: by_itself, FED_SET: fed}


def _dependency() -> dict[str, Any]:
    """Mailboxes are unreachable while nobody can sign in."""
    return {
        "object_name": "mapi sign-in of mailboxes",
        "object_type": "apply",
        "apply_to": "service",
        "parent_service_by_name": SIGN_IN,
        "states": ["OK", "Warning"],
        "ignore_soft_states": False,
        "disable_notifications": True,
        "assign_filter": f'service.name="mapi *"&service.name!="{SIGN_IN}"&{_EXCHANGE_ONLINE}',
    }


def basket() -> dict[str, Any]:
    """Type of object -> name -> object."""
    numbered = _numbered()
    categories = {field["category"] for field in numbered.values()}
    dependency = _dependency()
    return {
        # Known already where the Director has been set up: then nothing of it is changed.
        "ExternalCommand": {
            "dummy": {"object_name": "dummy", "object_type": "external_object"},
            icinga2.COMMAND: _command(),
            icinga2.NO_RESULT: {
                "object_name": icinga2.NO_RESULT,
                "object_type": "external_object",
            },
        },
        "HostTemplate": {HOST_TEMPLATE: _host_template()},
        "ServiceTemplate": _service_templates(),
        "ServiceSet": _service_sets(),
        "Dependency": {dependency["object_name"]: dependency},
        "DataList": _lists(),
        "DatafieldCategory": {
            name: {"category_name": name, "description": None} for name in sorted(categories)
        },
        "Datafield": numbered,
    }


def files() -> dict[str, str]:
    """The basket."""
    return {PATH: json.dumps(basket(), indent=4) + "\n"}
