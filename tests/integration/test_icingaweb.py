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
from .practice import address
from .test_icinga2 import FILES, SHIPPED, host, service

SCREENSHOTS = ROOT / "icinga-templates/screenshots"
WRITE = os.environ.get("SCREENSHOTS") == "write"

HOST = "contoso.onmicrosoft.com"
MAILBOXES = {"healthy": {}, "offline": {}, "moving": {}, "hostile": {}, "slow": {"mapi_warning": 1}}
SEVERAL = [address(name) for name in ("healthy", "offline", "slow")]

#: One service for several mailboxes, by two methods.
MORE = f"""
object Service "mapi several" {{
  import "mapi-mailbox"
  host_name = "{HOST}"
  display_name = "Three mailboxes"
  vars.mapi_mailbox = {literal(SEVERAL)}
  vars.mapi_warning = 1
}}
"""

#: The whole output of the check on a service's page.
OUTPUT = "document.querySelector('.object-detail .plugin-output')"
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
    node.start()
    names = ["mapi sign-in", "mapi several", *map(service, MAILBOXES)]
    web.results = {name: node.check(HOST, name) for name in names}
    return web


@pytest.fixture(scope="module")
def browser(lab, web):
    """The browser, which sees what anybody sees."""
    browser = Browser(lab)
    yield browser
    browser.close()


@pytest.fixture
def shown(web, browser):
    """`shown(name)`: the page of a service, its whole output unfolded."""

    def show(name):
        first = web.results[name].output.split("\n", 1)[0].rstrip()
        url = web.service_url(HOST, name)
        web.page(url, first)
        browser.open(url, f"{OUTPUT} && {EXPAND}")
        browser.tell(f"{EXPAND}.click()")
        return browser

    return show


@pytest.mark.parametrize("name", ["mapi several", *map(service, MAILBOXES)])
def test_lines_and_dots(web, shown, name):
    """The page has the check's lines, each of a mailbox with the dot of its state, and nothing else."""
    browser, output = shown(name), web.results[name].output
    style = browser.tell(f"getComputedStyle({OUTPUT}).whiteSpace")
    assert style == "pre-wrap"
    assert "mono" in browser.tell(f"getComputedStyle({OUTPUT}).fontFamily").lower()
    balls = re.findall(r"^\[(\w+)\] ", output, re.MULTILINE)
    assert len(balls) >= (len(SEVERAL) if name == "mapi several" else 1)
    inside = browser.tell(f"[...{OUTPUT}.querySelectorAll('*')].map(e => [e.tagName, e.className])")
    assert inside == [["SPAN", f"state-ball ball-size-m {BALLS[ball]}"] for ball in balls]
    lines = browser.tell(f"{OUTPUT}.textContent").split("\n")
    said = re.sub(r"^\[(?:OK|WARNING|CRITICAL|UNKNOWN)\]", "", output, flags=re.MULTILINE)
    assert [line.strip() for line in lines] == [line.strip() for line in said.split("\n")]


def test_the_list_of_services_says_what_is_wrong(web, browser):
    wanted = "document.querySelectorAll('.service-list .list-item').length == 7"
    browser.open(web.url("services"), wanted)
    text = browser.tell("document.querySelector('.service-list').innerText")
    assert f"MAPI CRITICAL - {address('offline')}: mailbox database is offline" in text


#: File -> service, and the largest height in pixels.
SHOTS = {
    "icinga-web-ok": (service("healthy"), 900),
    "icinga-web-critical": (service("offline"), 900),
    "icinga-web-several": ("mapi several", 1300),
}

#: Where page and output begin and end.
PLACES = f"""(() => {{
  const all = document.querySelector('#col1').getBoundingClientRect();
  const top = document.querySelector('#col1 .controls').getBoundingClientRect();
  const end = {OUTPUT}.getBoundingClientRect();
  return {{x: all.x, y: top.y, width: all.width, height: end.bottom - top.y + 12}};
}})()"""

#: Fewer colours, a third of the size.
REDUCE = """$i = new Imagick(); $i->readImageBlob(stream_get_contents(STDIN));
$i->quantizeImage(48, Imagick::COLORSPACE_RGB, 0, false, false); $i->stripImage();
$i->setImageFormat("png8"); $i->setOption("png:compression-level", "9"); echo $i->getImageBlob();"""


@pytest.mark.parametrize("name", SHOTS)
def test_screenshots(shown, tmp_path, name):
    of, most = SHOTS[name]
    browser = shown(of)
    clip = browser.tell(PLACES)
    taken = browser.shoot({**clip, "height": min(most, clip["height"])})
    done = subprocess.run(["php", "-r", REDUCE], input=taken, capture_output=True, check=True)
    assert done.stdout.startswith(b"\x89PNG")
    assert 10_000 < len(done.stdout) < 150_000
    there = SCREENSHOTS if WRITE else tmp_path
    there.mkdir(exist_ok=True)
    (there / f"{name}.png").write_bytes(done.stdout)
