"""Icinga Web shows our output as lines with coloured dots. `make screenshots` keeps what it shows."""

from __future__ import annotations

import os
import re
import subprocess

import pytest
import trustme

from ..conftest import ROOT
from .chromium import Browser
from .conftest import needs
from .icinga2 import Node, literal
from .icingaweb import IcingaWeb
from .laboratory import poll
from .practice import address
from .test_icinga2 import FILES, SHIPPED, host, service

SCREENSHOTS = ROOT / "icinga-templates/screenshots"
WRITE = os.environ.get("SCREENSHOTS") == "write"

HOST = "contoso.onmicrosoft.com"
MAILBOXES = {"healthy": {}, "offline": {}, "moving": {}, "slow": {"mapi_warning": 1}}
#: One of its mailboxes is described by somebody with markup, control characters and state markers,
#: the other is reached as a user of a domain.
ODD = "odd.onmicrosoft.com"
SEVERAL = [address(name) for name in ("healthy", "offline", "slow")]
#: What is said of them at -vvv is longer than 10,000 bytes.
MANY = [*SEVERAL, *(address(name) for name in ("moving", "disabled", "hostile"))]

#: One service for several mailboxes.
MORE = f"""
object Service "mapi several" {{
  import "mapi-mailbox"
  host_name = "{HOST}"
  display_name = "Three mailboxes"
  vars.mapi_mailbox = {literal(SEVERAL)}
  vars.mapi_warning = 1
}}
"""

#: All that the check can say of more of them.
WORDY = f"""
object Service "mapi wordy" {{
  import "mapi-mailbox"
  host_name = "{ODD}"
  vars.mapi_mailbox = {literal(MANY)}
  vars.mapi_verbose = 3
}}
"""

#: Host and name of the services whose pages are looked at.
PAGES = [
    (HOST, "mapi several"),
    *((HOST, service(name)) for name in MAILBOXES),
    (ODD, service("hostile")),
]
OTHERS = [(HOST, "mapi sign-in"), (ODD, service("healthy")), (ODD, "mapi wordy")]

#: The whole output of the check on a service's page.
OUTPUT = "document.querySelector('.object-detail .plugin-output')"
BOX = "document.querySelector('[id^=check-output]')"
EXPAND = "document.querySelector('[id^=check-output] + .collapsible-control button')"

#: What a marker becomes.
BALLS = {
    "OK": "state-ok",
    "WARNING": "state-warning",
    "CRITICAL": "state-critical",
    "UNKNOWN": "state-unknown",
}


@pytest.fixture(scope="module")
def web(lab, plugin_dir, practice):
    """Icinga Web over a node that has checked everything once."""
    needs(mariadbd="mariadb-server", icingadb="icingadb")
    needs(php="php-cli", chromium="chromium")
    web = IcingaWeb(lab)
    node = Node(lab, plugin_dir, "shown", trustme.CA())
    for name in FILES:
        node.include(SHIPPED / name)
    node.configuration += web.feature + host(HOST, practice.variables(), MAILBOXES) + MORE
    odd = {"hostile": {}, "healthy": domain_user(practice)}
    node.configuration += host(ODD, practice.variables(), odd) + WORDY
    node.start()
    node.daemon.wait(node.check_hosts, "the hosts are known")
    web.node, web.results = node, {place: node.check(*place) for place in [*PAGES, *OTHERS]}
    return web


def domain_user(practice):
    """What names `LAB\\nagios`, to a proxy that nobody answers for."""
    return {
        "mapi_proxy": "http://127.0.0.1:1",
        "mapi_proxy_user": "LAB\\nagios",
        "mapi_proxy_password_file": practice.material.directory / "password",
    }


@pytest.fixture(scope="module")
def browser(lab, web):
    """The browser, which sees what anybody sees."""
    browser = Browser(lab)
    yield browser
    browser.close()


@pytest.fixture
def shown(web, browser):
    """`shown(host, name)`: the page of a service, its whole output unfolded."""

    def show(*place):
        output = web.results[place].output
        # Of this run and no other, where the plugin has sent anything.
        own = re.search("client-request-id +([0-9a-f-]{36})", output) or re.search("(.*)", output)
        url = web.service_url(*place)
        web.page(url, own[1].rstrip())
        browser.open(url, f"{OUTPUT} && {EXPAND}")
        # The page remembers what somebody has unfolded before.
        browser.tell(f"{BOX}.classList.contains('collapsed') && {EXPAND}.click()")
        poll(
            lambda: browser.tell(f"{BOX}.offsetHeight >= {OUTPUT}.offsetHeight"),
            "the output is unfolded",
        )
        return browser

    return show


@pytest.mark.parametrize("place", PAGES, ids=" ".join)
def test_lines_and_dots(web, shown, place):
    """The page has the check's lines, each of a mailbox with the dot of its state, and nothing else."""
    browser, output = shown(*place), web.results[place].output
    style = browser.tell(f"getComputedStyle({OUTPUT}).whiteSpace")
    assert style == "pre-wrap"
    assert "mono" in browser.tell(f"getComputedStyle({OUTPUT}).fontFamily").lower()
    balls = re.findall(r"^\[(\w+)\] ", output, re.MULTILINE)
    assert len(balls) >= (len(SEVERAL) if place[1] == "mapi several" else 1)
    inside = browser.tell(f"[...{OUTPUT}.querySelectorAll('*')].map(e => [e.tagName, e.className])")
    assert inside == [["SPAN", f"state-ball ball-size-m {BALLS[ball]}"] for ball in balls]
    lines = browser.tell(f"{OUTPUT}.textContent").split("\n")
    said = re.sub(r"^\[(?:OK|WARNING|CRITICAL|UNKNOWN)\]", "", output, flags=re.MULTILINE)
    assert [line.strip() for line in lines] == [line.strip() for line in said.split("\n")]


def test_a_backslash_is_a_slash(web, browser):
    url = web.service_url(ODD, service("healthy"))
    web.page(url, "LAB/nagios")
    browser.open(url, OUTPUT)
    assert "as LAB/nagios" in browser.tell(f"{OUTPUT}.textContent")


def test_why_a_backslash_is_a_slash(web, browser):
    """Icinga Web takes one before n or t for white space, and shows the others."""
    said = {"exit_status": 0, "plugin_output": "as LAB\\nagios, LAB\\tess, LAB\\probe"}
    which = {"type": "Service", "service": f"{ODD}!mapi sign-in"}
    assert web.node.ask("actions/process-check-result", "POST", **which, **said)
    url = web.service_url(ODD, "mapi sign-in")
    web.page(url, "agios, LAB")
    browser.open(url, OUTPUT)
    assert browser.tell(f"{OUTPUT}.textContent") == "as LAB\nagios, LAB\tess, LAB\\probe"


def test_the_first_ten_thousand_bytes_are_shown(web, shown):
    """Icinga Web of Debian 12 shows all, that of Debian 13 no more, and does not say so."""
    said = web.results[ODD, "mapi wordy"].output
    text = shown(ODD, "mapi wordy").tell(f"{OUTPUT}.textContent")
    told = re.sub(r"^\[[A-Z]+\]", "", said, flags=re.MULTILINE)
    assert len(told) > 11_000
    assert told.startswith(text)
    assert len(text) > 9900


#: File -> service, and the largest height in pixels.
SHOTS = {
    "icinga-web-ok": (service("healthy"), 900),
    "icinga-web-critical": (service("offline"), 900),
    "icinga-web-several": ("mapi several", 1200),
}

#: From the top of a page to the end of an element.
PLACES = """(() => {{
  const all = document.querySelector('#col1').getBoundingClientRect();
  const end = {}.getBoundingClientRect();
  return {{x: all.x, y: all.y, width: all.width, height: end.bottom - all.y + 12}};
}})()"""

#: The same picture with coarser colours, which are so few that each dot keeps its own.
PACK = """$i = new Imagick(); $i->readImageBlob(stream_get_contents(STDIN)); $i->stripImage();
$i->posterizeImage(24, false); if ($i->getImageColors() > 256) exit(1);
$i->setOption("png:compression-level", "9"); $i->setImageFormat("png8"); echo $i->getImageBlob();"""


@pytest.fixture
def keep(browser, tmp_path):
    """`keep(name, element, most)`: a picture of the page, of at most so many pixels in height."""

    def take(name, element, most):
        clip = browser.tell(PLACES.format(element))
        taken = browser.shoot({**clip, "height": min(most, clip["height"])})
        done = subprocess.run(["php", "-r", PACK], input=taken, capture_output=True, check=True)
        assert done.stdout.startswith(b"\x89PNG")
        assert 10_000 < len(done.stdout) < 150_000
        there = SCREENSHOTS if WRITE else tmp_path
        there.mkdir(exist_ok=True)
        (there / f"{name}.png").write_bytes(done.stdout)

    return take


@pytest.mark.parametrize("name", SHOTS)
def test_pictures_of_services(shown, keep, name):
    of, most = SHOTS[name]
    shown(HOST, of)
    keep(name, OUTPUT, most)


def test_the_list_of_services_says_what_is_wrong(web, browser, keep):
    url = web.url("services", **{"host.name": HOST})
    wanted = f"document.querySelectorAll('.service-list .list-item').length == {len(MAILBOXES) + 2}"
    browser.open(url, wanted)
    text = browser.tell("document.querySelector('.service-list').innerText")
    assert f"MAPI CRITICAL - {address('offline')}: mailbox database is offline" in text
    keep("icinga-web-services", "document.querySelector('.service-list')", 900)
