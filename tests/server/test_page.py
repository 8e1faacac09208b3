"""The page of llmcs-server in headless Chromium: its journeys in both languages, by keyboard, on a phone.

usage: test_page.py [-v]   run from anywhere, after `make`; needs Debian's chromium and chromium-driver, else it is skipped
"""
import sqlite3
import tempfile
import unittest

from server import GPT2, Server, write_key
from test_shop_api import UNPAID, make_store, secret_of
from webdriver import CHROMIUM, DRIVER, Browser, Driver

PROMPT = "Facts: Standard delivery takes 2 to 4 working days. User: How long does delivery take? Bot:"
SECTIONS = {"model": ("Try a model", "试用模型"), "desk": ("Customer desk", "客服台"), "console": ("Agent console", "坐席台"),
            "faq": ("FAQ", "知识库"), "dashboard": ("Dashboard", "看板")}


@unittest.skipUnless(CHROMIUM and DRIVER, "no chromium and chromium-driver (Debian's packages of these names)")
class Page(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)
        cls.store = make_store(cls.folder.name)
        cls.config = {"models": [{"name": "shop-gpt2", "path": GPT2}], "shop": {"store": cls.store},
                      "limits": {"stream_ms": 1}}
        cls.server = Server(cls.config)
        cls.addClassCleanup(cls.server.stop)
        cls.driver = Driver()
        cls.addClassCleanup(cls.driver.stop)
        cls.browsers = {}
        cls.addClassCleanup(lambda: [b.close() for b in cls.browsers.values()])
        cls.base = "http://127.0.0.1:%d/" % cls.server.port

    def open(self, section="", language="en-US", phone=False, person=0):
        """A browser at a section, as when it is opened for the first time. person: of another person."""
        key = language, phone, person
        if key not in self.browsers:
            self.browsers[key] = Browser(self.driver, language, phone)
        browser = self.browsers[key]
        browser.go(self.base + "page/icon.svg")
        browser.js("localStorage.clear(); sessionStorage.clear()")
        browser.go(self.base + ("#" + section if section else ""))
        browser.see("main h1")
        browser.log()
        return browser

    def move(self, browser, section):
        browser.click("nav a[href='#%s']" % section)
        browser.see("nav a[href='#%s'][aria-current=page]" % section)

    def quiet(self, browser):
        """Nothing left the origin and the console has no errors."""
        origins = browser.js("return performance.getEntriesByType('resource').map((e) => new URL(e.name).origin)")
        self.assertEqual(set(origins) - {self.base.rstrip("/")}, set())
        self.assertEqual(browser.log(), [])

    def say(self, browser, text):
        browser.type("#desk-text", text)
        browser.press("Enter")
        browser.wait(lambda: browser.js("return !document.querySelector('#desk-send').disabled"), "no reply")
        return browser.texts(".bubble .words")[-1]

    def sql(self, statement, *values):
        connection = sqlite3.connect(self.store, timeout=30)
        with connection:
            found = connection.execute(statement, values).fetchall()
        connection.close()
        return found

    # ---- languages, screens, keyboard

    def test_both_languages(self):
        b = self.open("", "zh-CN")
        self.assertEqual((b.js("return document.documentElement.lang"), b.text("h1")), ("zh-CN", "试用模型"))
        b.click("#lang-en")
        self.assertEqual((b.js("return document.documentElement.lang"), b.text("h1")), ("en", "Try a model"))
        b.go(self.base)
        b.see("h1", "Try a model")  # remembered, whatever the browser's language
        for i, lang in enumerate(("en", "zh")):
            b.click("#lang-" + lang)
            for section, titles in SECTIONS.items():
                self.move(b, section)
                b.see("h1", titles[i])
                self.assertIn(titles[i], b.js("return document.title"))  # of the console: behind how many wait
                self.assertNotIn("undefined", b.text("body"))
        self.quiet(b)
        self.assertEqual(self.open().text("h1"), "Try a model")

    def test_a_phone(self):
        b = self.open("desk", "zh-CN", phone=True)
        self.say(b, "运费多少钱？")
        b.see(".bubble.assistant", "10元")
        for section in SECTIONS:
            self.move(b, section)
            b.wait(lambda: b.js("return document.querySelectorAll('main .card').length"), "an empty section")
            self.assertLessEqual(b.js("return document.documentElement.scrollWidth"), 390, section)
            # Nothing that is clicked is smaller than a finger needs; each control has a name.
            small = b.js("""
                return [...document.querySelectorAll('main button, nav a, main select')].filter((e) => e.checkVisibility() &&
                    !e.matches('.link, .token') && e.getBoundingClientRect().height < 30).map((e) => e.outerHTML)""")
            self.assertEqual(small, [], section)
            nameless = b.js("""
                return [...document.querySelectorAll('button, a, input, select, textarea')].filter((e) => e.checkVisibility() &&
                    !(e.textContent.trim() && !e.matches('textarea')) && !e.getAttribute('aria-label') && !(e.labels && e.labels.length))
                    .map((e) => e.outerHTML)""")
            self.assertEqual(nameless, [], section)
        self.quiet(b)

    def test_keyboard_alone(self):
        b = self.open()
        b.press("Tab")
        self.assertEqual(b.js("return document.activeElement.className"), "skip")
        seen = set()
        for _ in range(9):  # each stop shows that it has the focus
            b.press("Tab")
            what, outline = b.js("const e = document.activeElement, s = getComputedStyle(e); return ["
                                 "e.id || e.getAttribute('href') || e.tagName, s.outlineStyle + ' ' + s.outlineWidth]")
            self.assertEqual(outline, "solid 3px", what)
            seen.add(what)
        self.assertLessEqual({"lang-zh", "lang-en", "key-button", "#model", "#desk", "#console"}, seen)
        while b.js("return document.activeElement.getAttribute('href')") != "#desk":
            b.press("Shift", "Tab")
        b.press("Enter")
        b.see("h1", "Customer desk")
        self.assertEqual(b.js("return document.activeElement.tagName"), "H1")
        for _ in range(20):
            if b.js("return document.activeElement.id") == "desk-text":
                break
            b.press("Tab")
        b.press("I want to talk to a person")
        b.press("Enter")
        b.see(".waiting")
        b.js("document.querySelector('#key-button').focus()")
        b.press("Enter")
        b.see("#key-dialog")
        b.press("Escape")
        b.gone("#key-dialog")
        self.quiet(b)

    def test_dark(self):
        b = self.open()
        self.addCleanup(b.post, "/goog/cdp/execute", cmd="Emulation.setEmulatedMedia", params={"features": []})
        light = b.js("return getComputedStyle(document.body).backgroundColor")
        b.post("/goog/cdp/execute", cmd="Emulation.setEmulatedMedia",
               params={"features": [{"name": "prefers-color-scheme", "value": "dark"}]})
        self.assertNotEqual(b.js("return getComputedStyle(document.body).backgroundColor"), light)

    def test_texts_stand_out(self):
        """WCAG 2: a contrast of 4.5 between letters and what is behind them, in both colour schemes."""
        b = self.open("desk", "zh-CN")
        self.addCleanup(b.post, "/goog/cdp/execute", cmd="Emulation.setEmulatedMedia", params={"features": []})
        self.say(b, "转人工客服")
        for scheme in ("light", "dark"):
            b.post("/goog/cdp/execute", cmd="Emulation.setEmulatedMedia",
                   params={"features": [{"name": "prefers-color-scheme", "value": scheme}]})
            for section in SECTIONS:
                self.move(b, section)
                if section == "console":
                    b.click(".queue .entry")
                    b.see(".suggestion")
                weak = b.js("""
                    const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
                    const rgba = (color) => {
                        canvas.clearRect(0, 0, 1, 1);
                        canvas.fillStyle = color;
                        canvas.fillRect(0, 0, 1, 1);
                        return [...canvas.getImageData(0, 0, 1, 1).data];
                    };
                    const over = (top, below) => top.slice(0, 3).map((c, i) => c * top[3] / 255 + below[i] * (1 - top[3] / 255));
                    const behind = (e) => e ? over(rgba(getComputedStyle(e).backgroundColor), behind(e.parentElement)) : [255, 255, 255];
                    const light = (c) => c.map((x) => x / 255).map((x) => x <= 0.03928 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4)
                        .reduce((sum, x, i) => sum + x * [0.2126, 0.7152, 0.0722][i], 0);
                    return [...document.querySelectorAll('body *')].filter((e) => e.checkVisibility() && !e.closest(':disabled, option, .skip') &&
                        [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim())).map((e) => {
                            const style = getComputedStyle(e), back = behind(e);
                            const front = over(rgba(e instanceof SVGElement ? style.fill : style.color), back);
                            const [a, b] = [light(front), light(back)].sort((x, y) => y - x);
                            return [(a + 0.05) / (b + 0.05), e.className.baseVal || e.className || e.tagName, e.textContent.slice(0, 30)];
                        }).filter((row) => row[0] < 4.5)""")
                self.assertEqual(weak, [], (scheme, section))

    # ---- the model

    def test_a_model_shows_its_tokens(self):
        b = self.open("model")
        b.click("fieldset span", "Completion")
        b.click("#model-tokens")
        b.type(".composer textarea", PROMPT)
        b.click("#model-send")
        usage = b.see(".usage")
        self.assertRegex(b.js("return arguments[0].textContent", usage), r"^\d+ prompt \+ \d+ new tokens · .* tokens/s")
        words = b.texts(".bubble .words")[0]
        answer = self.server.post("/v1/completions", {"model": "shop-gpt2", "prompt": PROMPT, "temperature": 0,
                                                      "max_tokens": 80, "logprobs": 5}).json["choices"][0]
        self.assertEqual(words.strip(), answer["text"].strip())
        chips = b.js("return [...document.querySelectorAll('.token')].map((e) => e.querySelector('small').textContent)")
        self.assertEqual(chips, [str(i) for i in answer["logprobs"]["token_ids"]])
        b.click(".token")
        self.assertEqual(len(b.texts(".alternatives li")), 5)
        self.quiet(b)

    def test_chat_and_stop(self):
        b = self.open("model")
        b.type(".composer textarea", "What does shipping cost?")
        b.press("Enter")
        b.see(".bubble.assistant .usage")
        b.click(".composer button", "Clear")
        b.gone(".bubble")
        b.js("""
            window.lengths = [];
            const set = (label, value) => {
                const input = [...document.querySelectorAll('.field')].find((f) => f.textContent.includes(label)).querySelector('input');
                input.value = value;
                input.dispatchEvent(new Event('input'));
            };
            set('Temperature', 100); set('Max new tokens', 400); set('Seed', 3);
            new MutationObserver(() => {
                const words = [...document.querySelectorAll('.bubble.assistant .words')];
                if (!words.length) return;
                window.lengths.push(words[0].textContent.length);
                if (words[0].textContent.length > 100) document.querySelector('#model-stop').click();
            }).observe(document.querySelector('.log'), {childList: true, subtree: true, characterData: true});""")
        b.type(".composer textarea", "Tell me a long story")
        b.press("Enter")
        b.see(".bubble.assistant:last-child .meta", "stopped")
        self.assertFalse(b.find("#model-stop"))
        steps = b.js("return window.lengths.filter((n, i, all) => !i || n > all[i - 1])")
        self.assertGreater(len(steps), 3, steps)  # it came piece by piece
        self.assertEqual(b.log(), [])

    # ---- the shop

    def test_the_desk_cancels_an_order_after_a_yes(self):
        b = self.open("desk")
        b.type("#desk-customer", "c001")
        b.press("Tab")
        reply = self.say(b, "What does shipping cost?")
        self.assertIn("¥10", reply)
        b.see(".cited code", "shipping-fee")
        self.say(b, "Please cancel order " + UNPAID)
        self.assertEqual(self.sql("SELECT status FROM orders WHERE id = ?", UNPAID), [("pending_payment",)])
        self.assertEqual(b.js("return document.activeElement.id"), "desk-yes")
        b.click("#desk-yes")
        b.see(".done", UNPAID)
        self.assertEqual(self.sql("SELECT status FROM orders WHERE id = ?", UNPAID), [("cancelled",)])
        self.assertFalse(b.find("#desk-yes"))
        self.say(b, "Can you recommend something for me?")
        b.see(".bubble .product .price")
        b.click("#desk-recommend")
        b.see("aside .product .reason", "Because")
        b.click("#lang-zh")
        b.see("aside button", "查看推荐")
        b.see(".done", UNPAID)  # the conversation stays
        self.quiet(b)

    def test_an_agent_takes_over(self):
        customer, agent = self.open("desk"), self.open("console", person=1)
        agent.see(".queue li")  # it has seen the queue as it was
        customer.type("#desk-customer", "c017")
        customer.press("Tab")
        self.say(customer, "let me talk to a person, my number is 13812345678")
        customer.see(".waiting", "A person will answer")
        agent.see("#notice", "A customer waits: let me talk")
        agent.see(".queue .entry", "c017")
        self.assertRegex(agent.js("return document.title"), r"^\(\d+\) Agent console")
        agent.click(".queue .entry", "c017")
        agent.see(".talk .bubble.user", "<PHONE_1>")
        self.assertFalse(agent.js("return document.querySelector('.talk .log').textContent.includes('13812345678')"))
        self.assertTrue(agent.js("return document.querySelector('#console-send').disabled"))
        agent.click("#console-plain")
        agent.see(".talk .bubble.user", "13812345678")
        agent.click("#console-take")
        agent.see("#console-back")
        agent.click(".suggestion button")
        text = agent.js("return document.querySelector('#console-text').value")
        self.assertGreater(len(text), 20)
        agent.click("#console-send")
        agent.see(".bubble.agent", text[:30])
        customer.see(".bubble.assistant", text[:30])
        customer.see(".waiting", "A person is answering")
        self.assertEqual(self.sql("SELECT outcome FROM suggestions WHERE outcome <> 'shown'"), [("accepted",)])
        self.assertEqual(self.say(customer, "thank you"), "thank you")  # the desk keeps silent
        agent.see(".talk .bubble.user", "thank you")
        agent.click("#console-back")
        agent.see("#notice", "The desk answers again.")
        customer.gone(".waiting")
        self.say(customer, "thanks")
        customer.see(".bubble.assistant:last-child .meta", "small talk")
        self.quiet(customer)
        self.quiet(agent)

    def test_an_agent_who_is_faster_than_the_server(self):
        for conversation, customer in (("fast-1", "c021"), ("fast-2", "c022")):
            self.server.post("/shop/turn", {"conversation": conversation, "customer": customer, "text": "human please"})
        b = self.open("console")
        b.js("""
            const send = window.fetch;
            window.late = [];
            window.fetch = async (path, ...rest) => {
                const response = await send(path, ...rest);
                if (path.includes('fast-1?k=200')) await new Promise((go) => window.late.push(go));
                return response;
            };""")
        b.click("[data-conversation=fast-1]")
        b.wait(lambda: b.js("return window.late.length"), "it was not read")
        b.click("[data-conversation=fast-2]")
        b.see(".talk h2", "c022")
        b.js("window.late.forEach((go) => go()); return new Promise((done) => setTimeout(done, 100))")
        self.assertEqual(b.text(".talk h2"), "c022")  # not the one whose answer came last: replies go to c022
        b.click("#console-take")
        b.see("#console-back")
        b.type("#console-text", "How can I help?")
        b.js("""
            for (let i = 0; i < 2; i++)
                document.querySelector('#console-text').dispatchEvent(new KeyboardEvent('keydown', {key: 'Enter'}));""")
        b.see(".bubble.agent", "How can I help?")
        self.assertEqual(len(b.texts(".bubble.agent")), 1)  # sent once
        self.quiet(b)

    def test_an_agent_settles_an_action(self):
        ask = {"conversation": "unknown-1", "customer": "c002", "text": "取消我的订单"}
        for text in ("取消我的订单", "是的"):
            done = self.server.post("/shop/turn", dict(ask, text=text)).json
        self.assertEqual(done["action"]["state"], "DONE")
        self.sql("UPDATE actions SET state = 'UNKNOWN' WHERE key = ?", done["action"]["key"])
        b = self.open("console", "zh-CN")
        b.see(".actions", done["action"]["object"])
        b.click(".actions button", "未生效")
        b.gone(".actions")
        self.assertEqual(self.sql("SELECT state FROM actions WHERE key = ?", done["action"]["key"]), [("FAILED",)])
        self.quiet(b)

    def test_an_entry_is_edited_and_asked(self):
        b = self.open("faq")
        b.type("#faq-question", "Do you sell tickets for the moon?")
        b.click("#faq-ask")
        b.see("#faq-result .answer")
        self.assertNotIn("moon", b.text("#faq-result .answer"))
        b.click("#faq-new")
        b.type("#faq-id", "moon-tickets")
        b.type("#faq-questions", "Do you sell tickets for the moon?\nMoon tickets?")
        b.type("#faq-answer", "Not yet. <img src=x onerror=alert(1)>")
        b.click("#faq-save")
        b.see("#notice", "version 1")
        b.see("#faq-result .answer", "Not yet. <img src=x")  # text, not markup
        self.assertEqual(b.js("return document.querySelectorAll('main img').length"), 0)
        b.see(".candidates", "moon-tickets")
        b.type("#faq-answer", "From next year on.")
        b.click("#faq-save")
        b.see("#notice", "version 2")
        b.see("#faq-result .answer", "From next year on.")
        b.js("const s = document.querySelector('#faq-version'); s.value = '1'; s.dispatchEvent(new Event('change'))")
        b.wait(lambda: b.js("return document.querySelector('#faq-answer').value.startsWith('Not yet')"), "no version 1")
        b.type("#faq-search", "tickets")
        b.wait(lambda: len(b.texts("#faq-list .entry")) == 1, "the list is not filtered")
        b.js("document.querySelector('#faq-answer').value += ' More.'")
        b.click("#faq-list .entry")  # what is not saved is not lost by a click
        b.see("dialog[open]", "not saved")
        b.press("Escape")
        self.assertIn("More.", b.js("return document.querySelector('#faq-answer').value"))
        b.click("#faq-list .entry")
        b.click("dialog[open] .danger")
        b.wait(lambda: "More." not in b.js("return document.querySelector('#faq-answer').value"), "it stays")
        b.click("#faq-retire")
        b.click("dialog[open] .danger")
        b.see("#notice", "Retired.")
        b.wait(lambda: "next year" not in b.text("#faq-result"), "it still answers")
        self.assertEqual(b.texts("#faq-list .entry"), [])
        self.quiet(b)

    def test_the_dashboard(self):
        self.server.post("/shop/turn", {"conversation": "dash", "text": "thanks"})
        b = self.open("dashboard")
        b.see(".chart svg rect")
        board = self.server.get("/shop/dashboard?days=7").json
        self.assertEqual(b.texts(".tile dd")[0].replace(",", ""), str(board["turns"]))
        self.assertEqual(len(b.texts(".chart")), 8)
        bars = b.js("return [...document.querySelectorAll('.chart')].find((c) => c.textContent.includes('Answers by day'))"
                    ".querySelectorAll('rect').length")
        self.assertEqual(bars, sum(bool(day[k]) for day in board["days"]
                                   for k in ("answered", "asked_back", "handed_over", "refused")))
        self.assertGreater(b.js("return document.querySelectorAll('.line').length"), 0)
        b.click("summary", "As a table")
        b.see(".chart table td")
        self.quiet(b)

    # ---- security

    def test_the_policy_holds(self):
        reply = self.server.get("/")
        self.assertIn("default-src 'self'", reply.headers["Content-Security-Policy"])
        self.assertEqual(reply.headers["X-Content-Type-Options"], "nosniff")
        for name in ("style.css", "app.js", "icon.svg"):
            self.assertEqual(self.server.get("/page/" + name).status, 200)
        self.assertEqual(self.server.get("/page/..%2Fserver.h").status, 404)
        b = self.open()
        self.quiet(b)
        b.js("""
            window.violations = [];
            document.addEventListener('securitypolicyviolation', (e) => window.violations.push(e.effectiveDirective));
            const script = document.createElement('script');
            script.textContent = 'window.injected = 1';
            document.body.append(script);
            fetch('http://127.0.0.1:1/').catch(() => {});""")
        b.wait(lambda: len(b.js("return window.violations")) >= 2, "nothing was refused")
        self.assertIsNone(b.js("return window.injected || null"))
        self.assertEqual(sorted(b.js("return window.violations")), ["connect-src", "script-src-elem"])

    def test_keys(self):
        roles = {"web": ["shop", "inference"], "mia": ["agent"], "felix": ["customer"]}
        keys = [{"name": n, "roles": r, "key_file": write_key(self.folder.name, n, secret_of(n))} for n, r in roles.items()]
        keys[2]["customer"] = "c001"
        with Server(dict(self.config, keys=keys)) as locked:
            b = self.open()
            b.go("http://127.0.0.1:%d/" % locked.port)
            b.see("#key-dialog, .empty button")
            b.wait(lambda: b.find("#key-dialog") or b.click(".empty button"), "no dialog")
            b.type("#key-input", "wrong-key-of-nobody")
            b.press("Enter")
            b.see("#key-error", "does not know")
            for name, sections in (("felix", ["desk"]), ("mia", ["console", "faq", "dashboard"]),
                                   ("web", ["model", "desk", "console", "faq", "dashboard"])):
                if not b.find("#key-dialog"):
                    b.click("#key-button")
                b.type("#key-input", secret_of(name))
                b.press("Enter")
                b.gone("#key-dialog")
                b.wait(lambda: b.js("return [...document.querySelectorAll('nav a')].map((a) => a.hash.slice(1))") == sections,
                       "other sections than %s" % sections)
                if name == "felix":
                    self.assertIn("c001", b.text("aside"))
                    self.assertFalse(b.find("#desk-customer"))
            self.assertEqual(b.js("return [sessionStorage.length, JSON.stringify(localStorage).includes('secret')]"), [1, False])
            b.click("#key-button")
            b.click("#key-forget")
            b.see(".empty button")
            self.assertEqual(b.log(), [])

    def test_without_a_store(self):
        with Server({"models": self.config["models"]}) as plain:
            b = self.open()
            b.go("http://127.0.0.1:%d/" % plain.port)
            b.see("h1", "Try a model")
            self.assertEqual(b.js("return [...document.querySelectorAll('nav a')].map((a) => a.hash)"), ["#model"])
            self.assertEqual(b.log(), [])


if __name__ == "__main__":
    unittest.main()
