"""What is shipped for Nagios, unchanged beside Debian's own objects: it is valid, and the command lines
are those that it promises.
"""

from __future__ import annotations

import ast

import pytest

from check_mapi_connectivity.commandline.parse import parse

from ..conftest import ROOT
from .conftest import needs
from .nagios import Nagios

SHIPPED = ROOT / "icinga-templates/nagios"
FILES = [
    SHIPPED / name
    for name in ("mapi_connectivity.cfg", "servicetemplates.cfg", "services-example.cfg")
]
DEBIAN = [
    f"/etc/nagios4/objects/{name}.cfg"
    for name in ("commands", "contacts", "templates", "timeperiods")
]
TENANT, HOST = "contoso.onmicrosoft.com", "mail.contoso.com"

#: Says how it was called.
ECHO = '#!/usr/bin/python3\nimport sys\nprint("CALLED", sys.argv[1:])\n'

#: Objects that nobody needs, but for which commands would not be tried.
MORE = """
define service{
  use mapi-mailbox
  host_name mail.contoso.com
  service_description ini
  check_command check_mapi_ini!exchange!probe@contoso.com
}
define service{
  use mapi-mailbox
  host_name mail.contoso.com
  service_description graph
  check_command check_mapi_graph!contoso.onmicrosoft.com!probe@contoso.com!-w 2
}
define service{
  use mapi-mailbox
  host_name mail.contoso.com
  service_description generic
  check_command check_mapi_connectivity!--tenant contoso.onmicrosoft.com -m 'probe@contoso.com' -v
}
"""


@pytest.fixture(scope="module")
def running(lab):
    """A Nagios whose plugin says how it was called."""
    needs(nagios4="nagios4-core")
    plugins = lab.directory / "echo"
    plugins.mkdir()
    (plugins / "check_mapi_connectivity").write_text(ECHO)
    (plugins / "check_mapi_connectivity").chmod(0o755)
    nagios = Nagios(lab, plugins, [*FILES, *DEBIAN], MORE)
    with (nagios.directory / "resource.cfg").open("a") as file:
        file.write("$USER11$=/etc/check_mapi_connectivity\n")
    said = nagios.validate()
    assert "Total Errors:   0" in said
    assert "Total Warnings: 0" in said
    nagios.start()
    return nagios


def called(running, host, service):
    """The arguments of the plugin."""
    text = running.outcome(host, service).stdout
    return ast.literal_eval(text.partition("CALLED ")[2].rpartition(" | ")[0])


@pytest.mark.parametrize(
    ("host", "service", "expected"),
    [
        (
            TENANT,
            "mapi probe@contoso.com",
            f"--method cmdlet --tenant {TENANT} -m probe@contoso.com "
            "--warning-for certificate_days=none --critical-for certificate_days=none -t 30 -w 2 -c 5",
        ),
        (
            TENANT,
            "mapi dana@contoso.com",
            f"--method cmdlet --tenant {TENANT} -m dana@contoso.com "
            "--warning-for certificate_days=none --critical-for certificate_days=none -t 30 --concurrency 4",
        ),
        (
            TENANT,
            "mapi sign-in",
            f"--tenant {TENANT} --sign-in-only --critical-for certificate_days=none -t 30",
        ),
        (
            HOST,
            "mapi probe@contoso.com",
            f"--method mapi -H {HOST} -l probe@contoso.com --password-file "
            "/etc/check_mapi_connectivity/probe.password -m probe@contoso.com -w 2 -c 5",
        ),
        (HOST, "ini", "--extra-opts=exchange -m probe@contoso.com"),
        (HOST, "graph", f"--method graph --tenant {TENANT} -m probe@contoso.com -w 2"),
        (HOST, "generic", f"--tenant {TENANT} -m probe@contoso.com -v"),
    ],
)
def test_the_plugin_is_called_as_the_files_say(running, host, service, expected):
    assert called(running, host, service) == expected.split()


def test_our_parser_takes_the_sign_in(running, tmp_path):
    certificate = tmp_path / "c.pem"
    certificate.write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    certificate.chmod(0o600)
    identity = ["--client-id", "11111111-2222-3333-4444-555555555555", "--certificate"]
    options = parse(
        [*called(running, TENANT, "mapi sign-in"), *identity, str(certificate)], {}
    ).options
    assert options.judging.thresholds["certificate_days"] == ("30:", None)
    assert options.targets.methods == ("sign-in",)
