"""tools/convert/lstm.py and the folders it writes: what Keras computed (tests/data/lstm), by the command.

usage: test_convert_lstm.py [-v]   after `make`; $LLMCS_BIN names another folder of programs
"""

import json
import math
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from cli import GOLDEN, ROOT, ask, run, run_any  # noqa: E402

DATA = os.path.join(ROOT, "tests", "data", "lstm")
CONVERT = os.path.join(ROOT, "tools", "convert", "lstm.py")
NAMES = ("padded", "masked")


def python_with(*modules):
    """A Python that has them, or None; a message says what is skipped."""
    for python in (sys.executable, "/usr/bin/python3"):
        if subprocess.run([python, "-c", "import " + ", ".join(modules)], capture_output=True).returncode == 0:
            return python
    print("SKIPPED conversion: no Python with %s" % " and ".join(modules))
    return None


def probabilities(logits):
    top = max(logits)
    e = [math.exp(x - top) for x in logits]
    return [x / sum(e) for x in e]


class Folders(unittest.TestCase):
    """The folders in tests/data/lstm."""

    @classmethod
    def setUpClass(cls):
        with open(os.path.join(DATA, "expected.json"), encoding="utf-8") as f:
            cls.expected = json.load(f)

    def check_folder(self, name, folder):
        e = self.expected[name]
        answers = ask("tokenize", folder, [{"text": text} for text, _ in e["ids"]])
        pad = 0  # where Keras drops a word, the folder has the pad token, which leaves the state alone
        for (text, ids), answer in zip(e["ids"], answers):
            self.assertEqual([i for i in answer["ids"] if i != pad], ids, text)
        answers = ask("eval", folder, [{"input_ids": ids} for ids, _ in e["next"]])
        for (ids, p), answer in zip(e["next"], answers):
            for a, b in zip(probabilities(answer["logits"][-1]), p):
                self.assertLess(abs(a - b), 1e-5, ids)
        answers = ask("generate", folder, [{"prompt": text, "max_new_tokens": 9, "do_sample": False} for text, _ in e["generate"]])
        for (text, words), answer in zip(e["generate"], answers):
            self.assertEqual(answer["texts"][0].strip(), words, text)

    def test_keras(self):
        for name in NAMES:
            self.check_folder(name, os.path.join(DATA, name))

    def test_a_dropped_word_changes_nothing(self):
        folder = os.path.join(DATA, "padded")
        plain, dropped = ask("score", folder, [{"prompt": "the kettle sings", "continuation": " before the rain"},
                                               {"prompt": "the old kettle, sings", "continuation": " before the rain"}])
        self.assertEqual(plain["logprob"], dropped["logprob"])
        self.assertGreater(plain["logprob"], -3)

    def test_commands(self):
        folder = os.path.join(DATA, "masked")
        info = run("llmcs", "info", folder)
        for line in ("LSTMLMHeadModel", "WordLevel, 40 tokens", "Lowercase"):
            self.assertIn(line, info)
        first, int8 = (run("llmcs", "generate", folder, "The kettle", "--max-new-tokens", "4", "--weights", weights)
                       for weights in ("f32", "int8"))
        self.assertIn("sings before the rain", first)
        self.assertEqual(first, int8)
        beams = run("llmcs", "generate", folder, "The kettle", "--max-new-tokens", "4", "--num-beams", "3")
        self.assertIn("sings before the rain", beams)
        code, _, message = run_any("quantize", folder, os.path.join(tempfile.gettempdir(), "never.gguf"))
        self.assertNotEqual(code, 0)
        self.assertIn("lstm", message)


class Conversion(unittest.TestCase):
    """The script, where its modules are installed."""

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def convert(self, python, *arguments, code=0):
        done = subprocess.run([python, CONVERT, *arguments, "--out", self.folder.name], capture_output=True, timeout=300)
        self.assertEqual(done.returncode, code, done.stderr.decode())
        return done.stderr.decode()

    def test_keras_files(self):
        python = python_with("numpy", "h5py")
        if not python:
            self.skipTest("no h5py")
        for name, file in (("padded", "padded.h5"), ("masked", "masked.keras")):
            self.convert(python, os.path.join(DATA, file), "--tokenizer", os.path.join(DATA, name + ".words.json"))
            for written in ("model.safetensors", "config.json", "tokenizer.json", "tokenizer_config.json", "generation_config.json"):
                with open(os.path.join(self.folder.name, written), "rb") as a, open(os.path.join(DATA, name, written), "rb") as b:
                    self.assertEqual(a.read(), b.read(), written)

    def test_files_of_keras_1(self):
        """A matrix a gate, in files made here as Keras 1 wrote them, become Keras 2's."""
        python = python_with("numpy", "h5py")
        if not python:
            self.skipTest("no h5py")
        script = (
            "import h5py, json, numpy as np, sys\n"
            "r, v, n, u = np.random.RandomState(1), 9, 4, 5\n"
            "layers = [('Embedding', 'embedding_1', {'W': (v, n)}), ('LSTM', 'lstm_1', {w + g: s for g in ['_i', '_c', '_f', '_o']\n"
            "          for w, s in [('W', (n, u)), ('U', (u, u)), ('b', (u,))]}), ('Dense', 'dense_1', {'W': (u, v), 'b': (v,)})]\n"
            "f = h5py.File(sys.argv[1], 'w')\n"
            "g, arrays = f.create_group('model_weights'), {}\n"
            "g.attrs['keras_version'] = b'1.2.2'\n"
            "config = [{'class_name': k, 'config': {'name': name, 'inner_activation': 'hard_sigmoid', 'return_sequences': False,\n"
            "           'activation': {'LSTM': 'tanh', 'Dense': 'softmax'}.get(k)}} for k, name, _ in layers]\n"
            "f.attrs['model_config'] = json.dumps({'class_name': 'Sequential', 'config': config}).encode()\n"
            "for kind, name, shapes in layers:\n"
            "    s = g.create_group(name)\n"
            "    s.attrs['weight_names'] = [('%s_%s' % (name, k)).encode() for k in shapes]\n"
            "    for k, shape in shapes.items():\n"
            "        arrays[kind + k] = s['%s_%s' % (name, k)] = r.randn(*shape).astype('f')\n"
            "h, c, x = np.zeros(u), np.zeros(u), arrays['EmbeddingW']\n"
            "gate = lambda k, t: x[t] @ arrays['LSTMW_' + k] + h @ arrays['LSTMU_' + k] + arrays['LSTMb_' + k]\n"
            "hard = lambda z: np.clip(0.2 * z + 0.5, 0, 1)\n"
            "for t in (3, 5, 8):\n"
            "    i, f_, c_, o = (gate(k, t) for k in 'ifco')\n"
            "    c = hard(f_) * c + hard(i) * np.tanh(c_)\n"
            "    h = hard(o) * np.tanh(c)\n"
            "print(json.dumps((h @ arrays['DenseW'] + arrays['Denseb']).tolist()))\n")
        path = os.path.join(self.folder.name, "old.h5")
        made = subprocess.run([python, "-c", script, path], capture_output=True, check=True)
        self.convert(python, path)
        (answer,) = ask("eval", self.folder.name, [{"input_ids": [3, 5, 8]}])
        for a, b in zip(answer["logits"][-1], json.loads(made.stdout)):
            self.assertLess(abs(a - b), 1e-5)

    def test_pytorch(self):
        python = python_with("numpy")
        if not python:
            self.skipTest("no numpy")
        words = os.path.join(self.folder.name, "words")
        with open(words, "w", encoding="utf-8") as f:
            json.dump(["<unk>", "one", "two"], f)
        golden = os.path.join(GOLDEN, "lstm-torch")
        self.convert(python, os.path.join(golden, "model.safetensors"), "--words", words, "--lowercase")
        requests = [{"input_ids": [5, 30, 2]}]
        (a,), (b,) = ask("eval", self.folder.name, requests), ask("eval", golden, requests)
        for x, y in zip(a["logits"][-1], b["logits"][-1]):
            self.assertLess(abs(x - y), 1e-4)
        (answer,) = ask("tokenize", self.folder.name, [{"text": "ONE  three two"}])
        self.assertEqual(answer["ids"], [1, 0, 2])
        message = self.convert(python, os.path.join(golden, "model.safetensors"), "--words", words, "--unk", "x", code=1)
        self.assertIn("--unk", message)

    def test_what_is_refused_of_keras(self):
        python = python_with("numpy", "h5py")
        if not python:
            self.skipTest("no h5py")
        script = ("import h5py, sys\n"
                  "with h5py.File(sys.argv[1], 'r+') as f:\n"
                  "    text = f.attrs['model_config']\n"
                  "    text = text.decode() if isinstance(text, bytes) else text\n"
                  "    assert sys.argv[2] in text, text\n"
                  "    f.attrs['model_config'] = text.replace(sys.argv[2], sys.argv[3], 1)\n")
        for old, new, says in (('"class_name": "LSTM"', '"class_name": "GRU"', "GRU"),
                               ('"class_name": "LSTM"', '"class_name": "Bidirectional"', "Bidirectional"),
                               ('"class_name": "Embedding"', '"class_name": "Dense"', "Embedding"),
                               ('"class_name": "Sequential"', '"class_name": "Writer"', "Writer"),
                               ('"stateful": false', '"stateful": true', "stateful"),
                               ('"go_backwards": false', '"go_backwards": true', "go_backwards"),
                               ('"return_sequences": true', '"return_sequences": false', "return_sequences"),
                               ('"activation": "tanh"', '"activation": "relu"', "relu"),
                               ('"recurrent_activation": "sigmoid"', '"recurrent_activation": "linear"', "linear"),
                               ('"recurrent_activation": "sigmoid"', '"recurrent_activation": "hard_sigmoid"', "different"),
                               ('"activation": "softmax"', '"activation": "relu"', "softmax")):
            path = os.path.join(self.folder.name, "model.h5")
            shutil.copy(os.path.join(DATA, "padded.h5"), path)
            subprocess.run([python, "-c", script, path, old, new], check=True)
            self.assertIn(says, self.convert(python, path, code=1), new)
        self.assertIn("char_level", self.convert(python, os.path.join(DATA, "padded.h5"), "--tokenizer", self.words(char_level=True), code=1))
        self.assertIn("ASCII", self.convert(python, os.path.join(DATA, "padded.h5"), "--tokenizer", self.words(filters="。"), code=1))

    def words(self, **changes):
        with open(os.path.join(DATA, "padded.words.json"), encoding="utf-8") as f:
            tokenizer = json.load(f)
        tokenizer["config"].update(changes)
        path = os.path.join(self.folder.name, "words.json")
        with open(path, "w", encoding="utf-8") as f:
            json.dump(json.dumps(tokenizer), f)  # encoded twice, as json.dump(tokenizer.to_json()) does
        return path

    def test_what_is_refused_of_pytorch(self):
        python = python_with("numpy")
        if not python:
            self.skipTest("no numpy")
        script = ("import sys\n"
                  "sys.path.insert(0, sys.argv[1])\n"
                  "from tensor_files import load_safetensors, save_safetensors\n"
                  "t = load_safetensors(sys.argv[2])\n"
                  "exec(sys.argv[4])\n"
                  "save_safetensors(sys.argv[3], t, 'F32')\n")
        for change, says in (("t['lstm.weight_hh_l0'] = t['lstm.weight_hh_l0'][:72]", "GRU"),
                             ("t['lstm.weight_ih_l0_reverse'] = t['lstm.weight_ih_l0']", "bidirectional"),
                             ("t['lstm.weight_hr_l0'] = t['lstm.weight_hh_l0']", "proj_size"),
                             ("t['other.weight_ih_l0'] = t['lstm.weight_ih_l0']", "one nn.LSTM"),
                             ("t['lm_head.weight'] = t['lm_head.weight'][:5]", "not a language model"),
                             ("del t['embedding.weight']", "nn.Embedding"),
                             ("t['hidden.weight'] = t['lm_head.weight']", "nn.Linear")):
            path = os.path.join(self.folder.name, "changed.safetensors")
            subprocess.run([python, "-c", script, os.path.join(ROOT, "tools", "train"),
                            os.path.join(GOLDEN, "lstm-torch", "model.safetensors"), path, change], check=True)
            self.assertIn(says, self.convert(python, path, code=1), change)


if __name__ == "__main__":
    unittest.main()
