"""llmcs-bench from outside: what it measures makes sense, --json is JSON, the plot is SVG, wrong words are refused.

usage: test_bench.py [-v]   run from anywhere, after `make`; $LLMCS_BIN names another folder of programs
"""
import json
import os
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree

ROOT = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
BENCH = os.path.join(os.environ.get("LLMCS_BIN", os.path.join(ROOT, "build", "bin")), "llmcs-bench")
PLOT = os.path.join(ROOT, "bench", "plot.py")
DATA = os.path.join(ROOT, "tests", "data")


def run(*arguments, code=0, **environment):
    """stdout of a run that must end with `code`; stderr of one that must fail. Temporary folders must be gone."""
    with tempfile.TemporaryDirectory() as temporary:
        done = subprocess.run([BENCH, *arguments], capture_output=True, timeout=300,
                              env=dict(os.environ, TMPDIR=temporary, **environment))
        left = os.listdir(temporary)
    text = (done.stderr if code else done.stdout).decode("utf-8")
    if done.returncode != code:
        raise AssertionError("%s: exit %d, expected %d\n%s" % (arguments, done.returncode, code, done.stderr.decode()))
    if left:
        raise AssertionError("%s left %s behind" % (arguments, left))
    return text


def figures(*arguments, repeats="2", **environment):
    document = json.loads(run(*arguments, "--json", "--repeats", repeats, **environment))
    return document["figures"]


class Figures(unittest.TestCase):
    def check(self, some, section):
        self.assertTrue(some)
        for f in some:
            self.assertEqual(f["section"], section)
            self.assertGreater(f["least"], 0, f)
            self.assertLessEqual(f["least"], f["value"], f)
            self.assertLessEqual(f["value"], f["most"], f)
            if "limit" in f:
                self.assertGreater(f["share"], 0, f)
                self.assertLess(f["share"], 30, f)  # far off: a wrong unit; the machine may be busy
                self.assertTrue(f["limit_of"], f)

    def test_limits(self):
        some = figures("limits", "--threads", "2")
        self.check(some, "limits")
        self.assertEqual({f["threads"] for f in some}, {1, 2})
        names = {f["name"] for f in some}
        self.assertLessEqual({"reading 512 MiB", "plain C multiply-add"}, names)
        self.assertEqual(len(some), 2 * len(names))

    def test_kernels(self):
        some = figures("kernels", "--shape", "tiny", "--threads", "1", "--rows", "1,2", "--weights", "f32,int8",
                       repeats="1")
        self.check(some, "kernels")
        rows = {f["cpu"] for f in some}
        self.assertIn("scalar", rows)
        for cpu in rows - {"openblas"}:
            names = {f["name"] for f in some if f["cpu"] == cpu}
            self.assertLessEqual({"layers", "product", "attention", "gelu_tanh", "layer_norm"}, names)
        layers = [f for f in some if f["name"] == "layers" and f["model"] == "tiny" and f["cpu"] == "scalar"]
        self.assertEqual({(f["weights"], f["batch"]) for f in layers},
                         {(w, r) for w in ("f32", "int8") for r in (1, 2)})
        for f in some:  # a new kernel set needs a loop to be held against
            self.assertTrue("share" in f or f["unit"] == "Mfloat/s", f)

    def test_forced_row(self):
        some = figures("kernels", "--shape", "tiny", "--threads", "1", "--rows", "1", LLMCS_CPU="scalar")
        self.assertLessEqual({f["cpu"] for f in some}, {"scalar", "openblas"})
        self.assertIn("LLMCS_CPU", run("limits", code=1, LLMCS_CPU="z80"))

    def test_decoder(self):
        some = figures("e2e", "--shape", "tiny", "--threads", "1,2", "--prompts", "16,64,999", "--contexts", "10,64",
                       "--batches", "1,3")
        self.check(some, "e2e")
        got = {(f["name"], f["tokens"], f["batch"], f["threads"]) for f in some}
        expected = {("open", 0, 0), ("peak_opened", 0, 0), ("peak_used", 0, 0), ("prompt", 16, 1), ("prompt", 64, 1),
                    ("decode", 10, 1), ("decode", 64, 1), ("batch", 64, 1), ("batch", 64, 3)}
        self.assertEqual(got, {e + (t,) for e in expected for t in (1, 2)})
        self.assertEqual({f["model"] for f in some}, {"tiny"})
        for f in some:
            self.assertEqual("share" in f, f["unit"] == "tokens/s", f)
            if f["name"] == "peak_opened":
                self.assertLess(f["value"], 100, f)  # MB: neither the parent's buffers nor anything else counts

    def test_encoder(self):
        some = figures("e2e", "--shape", "tiny-bert", "--threads", "1", "--lengths", "16,128", "--batches", "2")
        self.check(some, "e2e")
        got = {(f["name"], f["tokens"], f["batch"]) for f in some if "share" in f}
        self.assertLessEqual({("encode", 16, 1), ("encode", 128, 1), ("encode", 128, 2)}, got)
        self.assertEqual([f["unit"] for f in some if f["name"] == "embed"], ["texts/s"])

    def test_decoder_with_gates_and_few_kv_heads(self):
        some = figures("e2e", "--shape", "tiny-qwen2", "--threads", "1", "--weights", "int8", "--prompts", "16",
                       "--contexts", "10", "--batches", "2")
        self.check(some, "e2e")
        got = {(f["name"], f["tokens"], f["batch"]) for f in some if "share" in f}
        self.assertLessEqual({("prompt", 16, 1), ("decode", 10, 1)}, got)
        self.assertEqual({f["model"] for f in some}, {"tiny-qwen2"})

    def test_encode(self):
        with tempfile.TemporaryDirectory() as folder:
            lines, fields = os.path.join(folder, "lines.txt"), os.path.join(folder, "fields.jsonl")
            texts = ["w%d " % i * (1 + i % 40) for i in range(30)]
            with open(lines, "w") as f:
                f.write("\n\n".join(texts))
            with open(fields, "w") as f:
                f.writelines(json.dumps({"label": 1, "text": t + "\u00fc"}) + "\n" for t in texts)
            for path in (lines, fields):
                some = figures("encode", "--shape", "tiny-bert", "--threads", "2", "--texts", path, "--count", "24",
                               "--max-length", "20", "--batches", "8", "--threads-calling", "4", "--weights", "int8")
                self.check(some, "encode")
                self.assertEqual({f["name"] for f in some if "share" in f}, {"whole", "batches", "single", "callers"})
                got = {f["name"] for f in some}
                self.assertLessEqual({"whole, texts", "callers, of one call", "callers, p50", "callers, p99"}, got)
                self.assertTrue(all(3 < f["tokens"] <= 20 for f in some))
            with open(fields, "a") as f:
                f.write('{"txt": 1}\n')
            self.assertIn("text", run("encode", "--shape", "tiny-bert", "--texts", fields, code=1))
            self.assertIn("no texts", run("encode", "--shape", "tiny-bert", "--texts", os.devnull, code=1))
            self.assertIn("not/there", run("encode", "--shape", "tiny-bert", "--texts", lines, "--tokenizer", "not/there",
                                           code=1))
            self.assertIn("no encoder", run("encode", "--shape", "tiny", "--texts", lines, code=1))

    def test_serve(self):
        some = figures("serve", "--shape", "tiny", "--threads", "1", "--batches", "2,5", "--prompt-tokens", "20",
                       "--new-tokens", "12", "--seconds", "1", "--load", "0.1,0.3", "--scenario",
                       "closed,open,shop-text,long-prompt,lookup,overhead")
        for f in some:
            self.assertEqual(f["section"], "serve")
            self.assertTrue(0 <= f["least"] <= f["value"] <= f["most"], f)
            self.assertEqual("share" in f, f["name"] == "closed_decode", f)
            if "p99" in f:
                self.assertTrue(f["value"] <= f["p95"] <= f["p99"] <= f["most"], f)
        closed = {(f["name"], f["batch"]) for f in some if f["name"].startswith("closed_")}
        self.assertEqual(closed, {("closed_" + n, b) for b in (2, 5) for n in
                                  ("decode", "overhead", "sampling", "peak", "whole", "first_token", "per_token",
                                   "blocks")})
        self.assertEqual(sorted(f["load"] for f in some if f["name"] == "open_per_token"), [0.1, 0.3])
        values = {f["name"]: f["value"] for f in some
                  if f["name"] in ("shop_text_evaluated", "long_prompt_gap", "long_prompt_calm", "lookup_accepted", "overhead",
                                   "overhead_sampled", "sampling_sampled")}
        self.assertTrue(2000 < values["shop_text_evaluated"] < 2200, values)  # the text of 64 once, not a hundred times
        self.assertTrue(values["long_prompt_gap"] > 0 and values["long_prompt_calm"] > 0, values)
        self.assertTrue(0 <= values["lookup_accepted"] <= 100 and 0 < values["overhead"] < 100, values)
        self.assertTrue(0 < values["sampling_sampled"] < values["overhead_sampled"] < 100, values)

    def test_serve_with_drawn_lengths_at_a_rate(self):
        for distribution in ("uniform", "lognormal"):
            some = figures("serve", "--shape", "tiny", "--threads", "1", "--rate", "40", "--seconds", "1", "--scenario",
                           "open", "--prompt-tokens", "30", "--new-tokens", "10", "--distribution", distribution)
            self.assertEqual({f["name"] for f in some}, {"open_per_token", "open_ratio", "open_first_token", "open_rate"})
            self.assertEqual([f["value"] for f in some if f["name"] == "open_rate"], [40])
            self.assertFalse(any("load" in f for f in some))

    def test_serve_needs_room(self):
        self.assertIn("holds 128", run("serve", "--shape", "tiny", "--prompt-tokens", "100", code=1))
        self.assertIn("llmcs-bench: engine", run("serve", "--shape", "tiny-bert", code=1))

    def test_folder(self):
        some = figures("e2e", os.path.join(DATA, "golden", "gpt2-f16"), "--threads", "1")
        self.check(some, "e2e")
        self.assertIn("prompt", {f["name"] for f in some})

    def test_every_type_of_weights(self):
        types = ["f32", "f16", "bf16", "int8", "int4"]
        some = figures("e2e", "--shape", "tiny", "--threads", "1", "--prompts", "16", "--contexts", "10", "--batches",
                       "1", "--weights", ",".join(types))
        self.check(some, "e2e")
        self.assertEqual({f["weights"] for f in some}, set(types))
        some = figures("kernels", "--shape", "tiny", "--threads", "1", "--rows", "2", LLMCS_CPU="scalar")
        self.assertEqual({f["weights"] for f in some if f["cpu"] == "scalar" and f["name"] == "layers"}, set(types))

    def test_four_bits_alone(self):
        """Nothing has asked Linux for AMX then."""
        some = figures("e2e", "--shape", "tiny", "--threads", "2", "--prompts", "64", "--contexts", "10", "--batches",
                       "2", "--weights", "int4")
        self.check(some, "e2e")

    def test_tokenizer(self):
        some = figures("tokenizer", os.path.join(DATA, "tokenizers", "tiny-gpt2"))
        self.check(some, "tokenizer")
        self.assertIn("Chinese", {f["name"] for f in some})

    def test_open(self):
        ms, opened_kb, used_kb = map(float, run("open", os.path.join(DATA, "golden", "bert-cls")).split())
        self.assertTrue(ms > 0 and 0 < opened_kb <= used_kb)

    def test_table(self):
        out = run("e2e", "--shape", "tiny", "--threads", "1", "--repeats", "1")
        self.assertRegex(out, r"prompt of 16 +[0-9.]+ tokens/s +[0-9]+ % of +[0-9.]+, ")


class Refusals(unittest.TestCase):
    def test_usage(self):
        for wrong in (["nonsense"], ["--nonsense"], ["limits", "x"], ["limits", "--threads"], ["limits", "--threads", "x"],
                      ["limits", "--threads", "1,"], ["limits", "--threads", "513"], ["limits", "--repeats", "0"],
                      ["limits", "--repeats", "3,5"], ["kernels", "--rows", "0"], ["e2e"], ["e2e", "--shape", "gpt5"],
                      ["e2e", "x", "--shape", "tiny"], ["e2e", "x", "--weights", "f64"], ["tokenizer"], ["open"],
                      ["limits", "--shape", "tiny"], ["encode", "x"], ["encode", "--texts", "x"],
                      ["encode", "x", "--texts", "x", "--threads-calling", "0"],
                      ["e2e", "x", "--batches", "257"], ["serve"],
                      ["serve", "x", "--load", "0"], ["serve", "x", "--load", "0.5,"], ["serve", "x", "--rate", "x"],
                      ["serve", "x", "--scenario", "closed,ajar"], ["serve", "x", "--new-tokens", "1"],
                      ["serve", "x", "--distribution", "pareto"],
                      ["limits", "--threads", ",".join(["1"] * 65)]):
            self.assertIn("usage: llmcs-bench", run(*wrong, code=2), wrong)

    def test_files(self):
        for command in ("e2e", "serve", "open", "tokenizer"):
            self.assertIn("not/there", run(command, "not/there", code=1))
        document = subprocess.run([BENCH, "e2e", "not/there", "--json"], capture_output=True, timeout=300)
        self.assertEqual(json.loads(document.stdout)["figures"], [])
        self.assertTrue(0 <= json.loads(document.stdout)["stolen_percent"] <= 100)


class Plot(unittest.TestCase):
    def draw(self, documents, code=0):
        with tempfile.TemporaryDirectory() as folder:
            paths = []
            for i, d in enumerate(documents):
                paths.append(os.path.join(folder, "%d.json" % i))
                with open(paths[-1], "w", encoding="utf-8") as f:
                    json.dump({"figures": d}, f)
            done = subprocess.run([sys.executable, PLOT, *paths], capture_output=True, timeout=60)
        self.assertEqual(done.returncode, code, done.stderr)
        return xml.etree.ElementTree.fromstring(done.stdout) if not code else None

    def made_up(self, weights, name, **more):
        return dict({"section": "e2e", "name": name, "label": "a <label>", "model": "m&m", "weights": weights,
                     "kv_type": "f32", "backend": "native", "cpu": "scalar", "threads": 2, "tokens": 10, "batch": 1,
                     "unit": "tokens/s", "value": 5.0, "limit": 10.0, "share": 0.5}, **more)

    def test_measured(self):
        for shape in ("tiny", "tiny-bert"):
            svg = self.draw([figures("e2e", "--shape", shape, "--threads", "1")])
            words = [t.text for t in svg.iter("{http://www.w3.org/2000/svg}text")]
            self.assertEqual(words.count("tokens/s"), 2)
            self.assertIn("limit of the machine", words)

    def test_where_points_are(self):
        values = {10: 8.0, 512: 6.0, 1000: 4.0}
        some = [self.made_up("int8", "decode", tokens=t, value=v) for t, v in values.items()]
        svg = self.draw([some, [self.made_up("f32", "decode", value=2.0)]])
        circles = [(float(c.get("cx")), float(c.get("cy"))) for c in svg.iter("{http://www.w3.org/2000/svg}circle")
                   if len(c)]
        self.assertEqual(len(circles), 4)
        (x0, y0), (x1, y1), (x2, y2), (_, low) = circles
        self.assertAlmostEqual((x1 - x0) / (x2 - x0), (512 - 10) / (1000 - 10), places=2)
        self.assertAlmostEqual((y1 - y0) / (y2 - y0), 0.5, places=2)
        self.assertGreater(low, y2)
        words = [t.text for t in svg.iter("{http://www.w3.org/2000/svg}text")]
        self.assertLessEqual({"int8", "f32"}, set(words))

    def test_times_against_load(self):
        some = [self.made_up("int8", name, section="serve", load=load, value=10.0 * load, p95=15.0, p99=20.0)
                for name in ("open_per_token", "open_first_token") for load in (0.25, 0.5, 1.0)]
        for f in some:
            del f["limit"], f["share"]
        svg = self.draw([some])
        circles = [(float(c.get("cx")), float(c.get("cy"))) for c in svg.iter("{http://www.w3.org/2000/svg}circle")
                   if len(c)]
        self.assertEqual(len(circles), 6)
        (x0, y0), (x1, y1), (x2, y2) = circles[:3]
        self.assertAlmostEqual((x1 - x0) / (x2 - x0), 1 / 3, places=2)
        self.assertAlmostEqual((y1 - y0) / (y2 - y0), 1 / 3, places=2)
        words = [t.text for t in svg.iter("{http://www.w3.org/2000/svg}text")]
        self.assertLessEqual({"ms", "% of capacity", "99th percentile", "100"}, set(words))
        self.assertNotIn("limit of the machine", words)

    def test_nothing_to_draw(self):
        self.draw([[]], code=1)
        self.draw([[self.made_up("int8", "open_rate", section="serve")]], code=1)


if __name__ == "__main__":
    unittest.main()
