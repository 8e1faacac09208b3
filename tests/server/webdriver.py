"""A browser for tests: Debian's chromium by its chromium-driver, over the WebDriver protocol (W3C), without packages."""
import http.client
import json
import shutil
import subprocess
import tempfile
import threading
import time

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
KEYS = {"Tab": "\ue004", "Enter": "\ue007", "Escape": "\ue00c", "Space": " ", "Down": "\ue015", "Shift": "\ue008"}


class Driver:
    """One chromedriver process, on a free port."""

    def __init__(self):
        self.process = subprocess.Popen([DRIVER, "--port=0"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.port = None
        for line in self.process.stdout:
            if b"started successfully on port" in line:
                self.port = int(line.rstrip(b".\n").rsplit(b" ", 1)[1])
                break
        assert self.port, "chromedriver did not start"
        threading.Thread(target=self.process.stdout.read, daemon=True).start()

    def stop(self):
        self.process.terminate()
        self.process.wait(20)
        self.process.stdout.close()

    def call(self, method, path, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(method, path, None if body is None else json.dumps(body),
                               {"Content-Type": "application/json"})
            value = json.loads(connection.getresponse().read())["value"]
        finally:
            connection.close()
        if isinstance(value, dict) and "error" in value:
            raise AssertionError("%s: %s" % (value["error"], value["message"].split("\n")[0]))
        return value


class Browser:
    """b = Browser(driver, "zh-CN", phone=True); b.go(url); b.click("#send"); b.close()"""

    def __init__(self, driver, language="en-US", phone=False, size=(1280, 860)):
        self.profile = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        options = {"binary": CHROMIUM, "prefs": {"intl.accept_languages": language},
                   "args": ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
                            "--disable-background-networking", "--disable-component-update", "--disable-extensions",
                            "--accept-lang=" + language, "--user-data-dir=" + self.profile.name,
                            "--window-size=%d,%d" % size]}
        if phone:
            options["mobileEmulation"] = {"deviceMetrics": {"width": 390, "height": 844, "pixelRatio": 2, "touch": True}}
        self.driver = driver
        made = driver.call("POST", "/session", {"capabilities": {"alwaysMatch": {
            "browserName": "chrome", "goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"}}}})
        self.path = "/session/" + made["sessionId"]

    def close(self):
        try:
            self.driver.call("DELETE", self.path)
        finally:
            self.profile.cleanup()

    def post(self, path, **body):
        return self.driver.call("POST", self.path + path, body)

    def go(self, url):
        self.post("/url", url=url)

    def js(self, script, *arguments):
        return self.post("/execute/sync", script=script, args=list(arguments))

    def find(self, css, text=None):
        """The first visible element that has the text."""
        return self.js("""
            return [...document.querySelectorAll(arguments[0])].find((e) => e.checkVisibility() &&
                (arguments[1] === null || e.textContent.includes(arguments[1]))) || null""", css, text)

    def wait(self, condition, why, timeout=15):
        end = time.monotonic() + timeout
        while True:
            found = condition()
            if found:
                return found
            if time.monotonic() > end:
                raise AssertionError("%s; the page says: %s" % (why, self.text("main")[:1500]))
            time.sleep(0.03)

    def see(self, css, text=None, timeout=15):
        return self.wait(lambda: self.find(css, text), "no %s with %r" % (css, text), timeout)

    def gone(self, css, timeout=15):
        self.wait(lambda: not self.find(css), css + " stays", timeout)

    def click(self, css, text=None):
        def try_once():
            element = self.see(css, text)
            try:
                self.js("arguments[0].scrollIntoView({block: 'center'})", element)
                self.post("/element/%s/click" % element[ELEMENT])
            except AssertionError as error:  # the page has replaced it in between
                if "stale" in str(error):
                    return False
                raise
            return True
        self.wait(try_once, "%s stays stale" % css)

    def type(self, css, text):
        element = self.see(css)
        self.js("arguments[0].value = ''", element)
        self.post("/element/%s/value" % element[ELEMENT], text=text)

    def press(self, *keys):
        actions = []
        held = keys[:-1]
        for key in held:
            actions.append({"type": "keyDown", "value": KEYS.get(key, key)})
        for character in KEYS.get(keys[-1], keys[-1]):
            actions += [{"type": "keyDown", "value": character}, {"type": "keyUp", "value": character}]
        for key in reversed(held):
            actions.append({"type": "keyUp", "value": KEYS.get(key, key)})
        self.post("/actions", actions=[{"type": "key", "id": "keyboard", "actions": actions}])

    def text(self, css):
        return self.js("const e = document.querySelector(arguments[0]); return e ? e.innerText : ''", css)

    def texts(self, css):
        return self.js("return [...document.querySelectorAll(arguments[0])].map((e) => e.innerText)", css)

    def log(self):
        """What the console said since the last call: errors and warnings."""
        return [e["message"] for e in self.post("/se/log", type="browser") if e["level"] in ("SEVERE", "WARNING")]
