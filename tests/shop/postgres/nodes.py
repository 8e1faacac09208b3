"""A shop for tests with several nodes: the demo shop without an encoder, its orders in PostgreSQL; and nodes, which are
processes with a copy of its file."""

import json
import os
import shutil
import subprocess
import sys
import tempfile

import servers

sys.path.insert(0, os.path.join(servers.ROOT, "tests", "tools"))
import cli  # noqa: E402

SHOP = os.path.join(cli.BIN, "llmcs-shop")
DATA = os.path.join(cli.ROOT, "examples", "shop")
HERE = os.path.dirname(os.path.abspath(__file__))
LABELS = ("track_order", "cancel_order", "delivery_options", "return_item", "greeting", "thanks", "contact_human_agent", "complain", "oos")
UNPAID, SHIPPED, OF_ANOTHER = "PL26111614", "PL26111334", "PL26061908"


def shop(*arguments, text="", code=0):
    done = subprocess.run([SHOP, *arguments], input=text.encode(), capture_output=True, timeout=120)
    assert done.returncode == code, (arguments, done.returncode, done.stdout.decode()[-2000:], done.stderr.decode()[-2000:])
    return done.stdout.decode() + done.stderr.decode()


class Shop:
    """model.db: products and entries in the file; the database `model`: customers and orders. Tests copy both."""

    def __init__(self, postgres):
        self.postgres = postgres
        self.folder = tempfile.mkdtemp(prefix="llmcs-nodes-")
        self.model = os.path.join(self.folder, "model.db")
        rows, head = os.path.join(self.folder, "rows.jsonl"), os.path.join(self.folder, "intent.head")
        with open(rows, "w", encoding="utf-8") as out:
            for lang in "en", "zh":
                with open(os.path.join(DATA, "intents.%s.jsonl" % lang), encoding="utf-8") as f:
                    out.writelines([line for line in f if json.loads(line)["label"] in LABELS][::2])
        shop("train-classifier", rows, head, "--label-field", "label", "--oos-label", "oos", "--no-examples", "--max-features", "4000",
             "--l2", "0.1", "--folds", "2")
        shop("init", self.model, "--intents", head, "--flows", os.path.join(DATA, "flows.json"), "--wording", "templates", "--now",
             "2026-11-16T12:00:00Z", "--order-pattern", "PL[0-9]{8}")
        shop("import-products", self.model, os.path.join(DATA, "products.jsonl"))
        for lang in "en", "zh":
            shop("import-faq", self.model, os.path.join(DATA, "faq.%s.jsonl" % lang))
        self.in_file = os.path.join(self.folder, "file.db")
        shutil.copy(self.model, self.in_file)
        postgres.create("model")
        # As an operator does it: the setting first, then imports go where it says.
        shop("init", self.model, "--postgres", postgres.conninfo("model"))
        for store in self.model, self.in_file:
            for kind in "customers", "orders":
                shop("import-" + kind, store, os.path.join(DATA, kind + ".jsonl"))
        # The key of vault and audit is made by the first write that needs it: here, so that all copies have it.
        self.chat(self.model, [{"conversation": "first", "customer": "c002", "text": "My phone is 13812345678"}])
        self.n_stores = 0

    def chat(self, store, requests, *options):
        lines = "".join(json.dumps(r, ensure_ascii=False) + "\n" for r in requests)
        out = subprocess.run([SHOP, "chat", store, "--jsonl", *options], input=lines.encode(), capture_output=True, timeout=120)
        assert out.returncode == 0, out.stderr.decode()
        return [json.loads(line) for line in out.stdout.decode().splitlines()]

    def database(self, name):
        self.postgres.create(name, "model")
        return name

    def store(self):
        """A node's file, with the key that all have."""
        self.n_stores += 1
        path = os.path.join(self.folder, "node%d.db" % self.n_stores)
        shutil.copy(self.model, path)
        shutil.copy(self.model + ".key", path + ".key")
        return path

    def close(self):
        shutil.rmtree(self.folder, ignore_errors=True)


class Node:
    def __init__(self, store, conninfo, *options):
        self.process = subprocess.Popen([sys.executable, os.path.join(HERE, "node.py"), store, conninfo, *options], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        os.set_blocking(self.process.stderr.fileno(), False)
        self.errors = b""
        self.ready = self.read()

    def read(self):
        line = self.process.stdout.readline()
        return json.loads(line) if line else None

    def ask(self, **request):
        """None: the node has died."""
        try:
            self.process.stdin.write(json.dumps(request, ensure_ascii=False).encode() + b"\n")
            self.process.stdin.flush()
        except (BrokenPipeError, ValueError):
            return None
        return self.read()

    def say(self, text, conversation="c", customer="c001", **more):
        return self.ask(text=text, conversation=conversation, customer=customer, **more)

    def log(self):
        """What the node has logged so far, and what Python says: a warning for each turn that is not stored."""
        self.errors += self.process.stderr.read() or b""
        return self.errors.decode()

    def kill(self):
        self.process.kill()

    def close(self):
        try:
            self.process.stdin.close()
        except BrokenPipeError:
            pass
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        errors = self.log()
        self.process.stdout.close()
        self.process.stderr.close()
        return errors
