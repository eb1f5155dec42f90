"""A headless Chromium, told what to do through two pipes (Chrome DevTools Protocol)."""

from __future__ import annotations

import base64
import json
import os
import select
import time

from .laboratory import LIMIT, owned, poll

#: Who looks at pages.
USER = "nobody"

#: Descriptors 3 and 4 are where Chromium reads commands and writes answers.
_PIPES = 'exec "$@" 3<&{} 4>&{}'


class Browser:
    """One page; `width` and `height` in pixels are what it shows without scrolling."""

    def __init__(self, lab, width=1280, height=2400):
        self.number, self.session, self.pending = 0, {}, b""
        home = owned(lab.directory / "chromium", USER)
        command = ["chromium", "--headless=new", "--no-sandbox", "--disable-gpu"]
        command += ["--hide-scrollbars", f"--user-data-dir={home}", "--remote-debugging-pipe"]
        theirs, self.commands = os.pipe()
        self.answers, results = os.pipe()
        self.daemon = lab.start(
            "chromium",
            ["bash", "-c", _PIPES.format(theirs, results), "bash", *command],
            user=USER,
            descriptors=(theirs, results),
            XDG_CONFIG_HOME=home,
            XDG_CACHE_HOME=home,
        )
        os.close(theirs)
        os.close(results)
        page = self._ask("Target.createTarget", url="about:blank")["targetId"]
        attached = self._ask("Target.attachToTarget", targetId=page, flatten=True)
        self.session = {"sessionId": attached["sessionId"]}
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self._ask("Emulation.setDeviceMetricsOverride", **size)

    def close(self):
        """Let go of the pipes; Chromium ends with them."""
        os.close(self.commands)
        os.close(self.answers)

    def _ask(self, method, **parameters):
        """The result of one command; events are passed over."""
        self.number += 1
        words = {"id": self.number, "method": method, "params": parameters, **self.session}
        os.write(self.commands, json.dumps(words).encode() + b"\0")
        while (told := self._read()).get("id") != self.number:
            pass
        assert "error" not in told, f"{method}: {told}"
        return told["result"]

    def _read(self):
        deadline = time.monotonic() + LIMIT
        while b"\0" not in self.pending:
            left = max(0.0, deadline - time.monotonic())
            ready = select.select([self.answers], [], [], left)[0]
            data = os.read(self.answers, 1 << 20) if ready else b""
            assert data, f"Chromium is silent\n{self.daemon.said()}"
            self.pending += data
        message, self.pending = self.pending.split(b"\0", 1)
        return json.loads(message)

    def tell(self, script):
        """The value of a JavaScript expression."""
        told = self._ask("Runtime.evaluate", expression=script, returnByValue=True)
        assert "exceptionDetails" not in told, f"{script}: {told}"
        return told["result"].get("value")

    def open(self, url, ready):
        """Go to a page, and wait until an expression is true there."""
        self._ask("Page.navigate", url=url)
        whole = (
            f"document.readyState == 'complete' && location.href != 'about:blank' && !!({ready})"
        )
        poll(lambda: self.tell(whole), f"{url} is shown")

    def shoot(self, clip):
        """A part of the page, `x`, `y`, `width` and `height` in pixels, as PNG."""
        told = self._ask("Page.captureScreenshot", format="png", clip={**clip, "scale": 1})
        return base64.b64decode(told["data"])
