"""A headless Chromium, spoken to over two pipes: pages are opened, clicked, looked at."""

import base64
import itertools
import json
import os
import shutil
import subprocess
import tempfile
import time

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")


def find_chromium():
    """The path of a Chromium, None where there is none."""
    return next(filter(None, map(shutil.which, NAMES)), None)


class Browser:
    """One page. `messages` is what went to the console, errors included; `requests` what it asked a network for."""

    def __init__(self, width=1000, height=700):
        self.profile = tempfile.mkdtemp()
        command_in, self._out = os.pipe()
        self._in, command_out = os.pipe()
        command = [
            find_chromium(),
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--no-first-run",
            "--disable-extensions",
            "--user-data-dir=" + self.profile,
            "--window-size=%d,%d" % (width, height),
            "--remote-debugging-pipe",
        ]

        # Chromium reads its commands from 3 and answers on 4.
        shell = 'exec 3<&%d 4>&%d; exec "$@"' % (command_in, command_out)
        self.process = subprocess.Popen(
            ["bash", "-c", shell, "bash", *command],
            pass_fds=(command_in, command_out),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        os.close(command_in)
        os.close(command_out)
        self._numbers, self._buffer = itertools.count(1), b""
        self.messages, self.requests, self._events, self._session = [], [], set(), None
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.send(domain + ".enable")
        self.resize(width, height)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        os.close(self._out)  # at the end of its commands it ends, too
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        os.close(self._in)
        shutil.rmtree(self.profile, ignore_errors=True)

    def send(self, method, **params):
        """The answer to one command of the DevTools protocol; RuntimeError where it is an error."""
        number = next(self._numbers)
        message = {"id": number, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._read()
            if answer.get("id") == number:
                if "error" in answer:
                    raise RuntimeError("%s: %s" % (method, answer["error"]))
                return answer["result"]

    def _read(self):
        while b"\0" not in self._buffer:
            part = os.read(self._in, 1 << 16)
            if not part:
                raise RuntimeError("Chromium ended: %s" % self.process.poll())
            self._buffer += part
        text, _, self._buffer = self._buffer.partition(b"\0")
        event = json.loads(text)
        name, params = event.get("method", ""), event.get("params", {})
        self._events.add(name)
        if name == "Runtime.consoleAPICalled":
            self.messages.append(" ".join(str(arg.get("value")) for arg in params["args"]))
        elif name == "Runtime.exceptionThrown":
            details = params["exceptionDetails"]
            self.messages.append(details.get("exception", {}).get("description") or details["text"])
        elif name == "Log.entryAdded":
            self.messages.append(params["entry"]["text"])
        elif name == "Network.requestWillBeSent":
            self.requests.append(params["request"]["url"])
        return event

    def open(self, path):
        """Show the file at `path`, once it is loaded."""
        self._events.discard("Page.loadEventFired")
        self.send("Page.navigate", url="file://" + os.path.abspath(path))
        while "Page.loadEventFired" not in self._events:
            self._read()

    def resize(self, width, height):
        self.send("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)

    def run(self, script):
        """The value of an expression of JavaScript."""
        answer = self.send("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(answer["exceptionDetails"])
        return answer["result"].get("value")

    def wait(self, script, seconds=20):
        """Wait until an expression holds."""
        end = time.monotonic() + seconds
        while not self.run(script):
            if time.monotonic() > end:
                raise TimeoutError(script)
            time.sleep(0.05)

    def middle(self, selector):
        """Where the middle of an element is on the screen."""
        box = self.run("(r => [r.x + r.width / 2, r.y + r.height / 2])(%s.getBoundingClientRect())" % _first(selector))
        return box[0], box[1]

    def mouse(self, kind, x, y, **more):
        self.send("Input.dispatchMouseEvent", type=kind, x=x, y=y, **more)

    def click(self, selector):
        self.drag(*self.middle(selector))

    def drag(self, x, y, dx=0, dy=0):
        self.mouse("mouseMoved", x, y)
        self.mouse("mousePressed", x, y, button="left", clickCount=1)
        for part in (0.5, 1) if dx or dy else ():
            self.mouse("mouseMoved", x + part * dx, y + part * dy, button="left", buttons=1)
        self.mouse("mouseReleased", x + dx, y + dy, button="left", clickCount=1)

    def screenshot(self, path=None):
        """The page as PNG."""
        picture = base64.b64decode(self.send("Page.captureScreenshot", format="png")["data"])
        if path is not None:
            with open(path, "wb") as file:
                file.write(picture)
        return picture


def _first(selector):
    return "document.querySelector(%s)" % json.dumps(selector)
