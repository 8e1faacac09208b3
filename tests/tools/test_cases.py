"""Files and inputs of people who had trouble elsewhere: ../shared/cases, each run as its case.json says.

usage: test_cases.py [-v]   run from anywhere, after `make`; $LLMCS_SHARED names another folder than ../shared. Prints a
table: right, logged (what is not applied is said in a warning that names it), or refused with its message.
"""
import ctypes
import json
import os
import re
import subprocess
import unittest

ROOT = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
BUILD = os.path.abspath(os.environ.get("BUILD", os.path.join(ROOT, "build")))
LLMCS = os.path.join(os.environ.get("LLMCS_BIN", os.path.join(BUILD, "bin")), "llmcs")
CASES = os.path.join(os.environ.get("LLMCS_SHARED", os.path.join(ROOT, "..", "shared")), "cases")
REFUSAL_IS_RIGHT = {"lfs-tokenizer-json": r"git.lfs", "modules-two-poolings": r"(?i)second|two|more than one|2_Pooling",
                    "onnx-only": r"(?i)onnx"}


def command(folder, *arguments, text=b""):
    """(exit code, stdout, stderr) of a command in a case's folder."""
    done = subprocess.run([LLMCS, *arguments], cwd=folder, input=text, capture_output=True, timeout=120)
    return done.returncode, done.stdout.decode("utf-8"), done.stderr.decode("utf-8")


def pairs_without_duplicates(pairs):
    assert len({key for key, _ in pairs}) == len(pairs), "a key twice: %s" % pairs
    return dict(pairs)


def answers(folder, name, model, requests):
    """The answers of --jsonl, and the log; a refusal is {"error": ...}."""
    text = "".join(request + "\n" for request in requests).encode()
    code, out, err = command(folder, name, model, "--jsonl", text=text)
    found = [json.loads(line, object_pairs_hook=pairs_without_duplicates) for line in out.splitlines()]
    if not found:
        assert code == 1, (code, err)
        found = [{"error": {"message": err.strip()}}] * len(requests)
    return found, err


def ids(folder, *arguments):
    """Token ids, or a message."""
    code, out, err = command(folder, "tokenize", *arguments, "--ids")
    return [int(i) for i in out.split()] if code == 0 else err.strip()


def close(found, expected):
    """Equal but for the last digits of floats and what `expected` leaves out."""
    if isinstance(expected, dict):
        return all(key in found and close(found[key], value) for key, value in expected.items())
    if isinstance(expected, list):
        expected = [e for e in expected if not isinstance(e, str) or "vector" not in e]  # a note behind the numbers
        return len(found) == len(expected) and all(map(close, found, expected))
    if isinstance(expected, float):
        return abs(found - expected) < 2e-5
    return found == expected


def judge(found, expected):
    if isinstance(found, str):
        return "refused", found
    if isinstance(found, dict) and "error" in found:
        return "refused", found["error"]["message"]
    return ("right", "") if close(found, expected) else ("WRONG", "%s instead of %s" % (found, expected))


def judge_tokenize(case, folder):
    calls = case["run"] if isinstance(case["run"], list) else [case["run"]]
    texts = [re.search(r'--ids "(.*)"', call).group(1) for call in calls]
    right = case["right_answer"]
    found = [ids(folder, "model", text) for text in texts]
    if isinstance(found[0], str):
        return "refused", found[0]
    return judge(found, [right[text] for text in texts] if isinstance(right, dict) else [right])


def judge_info(case, folder):
    """A folder that should open, or whose refusal should say what is wrong."""
    code, out, err = command(folder, "info", "model")
    wanted = REFUSAL_IS_RIGHT.get(case["name"])
    if code == 0:
        return ("WRONG", "it opens") if wanted else ("right", "")
    if wanted and re.search(wanted, err):
        return "right", err.strip()
    return ("WRONG" if wanted else "refused"), err.strip()


def judge_generation_setting(case, folder, found, log):
    """Class B: applied as Transformers does, or a warning that names the key."""
    right = case["right_answer"]["want"]
    if "error" in found:
        return "refused", found["error"]["message"]
    if close(found, right):
        return "right", ""
    key = re.search(r'\{"(\w+)"', case["what_the_person_had"]).group(1)
    said = [line for line in log.splitlines() if key in line]
    return ("logged", said[0]) if said else ("WRONG", "%s, and no warning names %s" % (found, key))


def judge_jsonl(case, folder):
    name, model, request = re.match(r"(?:info model; )?(\w+) (\S+) --jsonl < (.*)$", case["run"], re.S).groups()
    (found,), log = answers(folder, name, model, [request.replace("\n", "\\n")])
    right = case["right_answer"]
    if isinstance(right, dict) and "want" in right:
        return judge_generation_setting(case, folder, found, log)
    if name == "embed" and isinstance(right, list):
        right = {"embedding": right}
    if name == "tokenize":
        right = {"offsets": right}
    return judge(found, right)


def judge_repetition_penalty(case, folder):
    """By what the same penalty in a request gives: the case's own answer stops at token 165, which is the end token in
    gen-config-min-length and not in this folder."""
    (found, asked, without), _ = answers(folder, "generate", "model",
                                         ['{"prompt":"hello world","max_new_tokens":8%s}' % key
                                          for key in ("", ',"repetition_penalty":5.0', ',"repetition_penalty":1.0')])
    verdict, said = judge(found, asked)
    return ("WRONG", "not applied") if verdict == "right" and found == without else (verdict, said)


def judge_duplicate_labels(case, folder):
    (found,), _ = answers(folder, "classify", "model", ['{"text":"hello good"}'])
    return judge(sorted(found["scores"].values()) if "scores" in found else found,
                 [0.0455053598, 0.0618050136, 0.892689645])


def judge_seed(case, folder):
    found, _ = answers(folder, "generate", "model", case["run"].split(" < ")[1].split(" and "))
    plain, _ = answers(folder, "generate", "model", ['{"prompt":"hello"}'])
    for a in found:
        if "error" in a:
            return "refused", a["error"]["message"]
    starts_with_99 = plain[0]["sequences"][0][:1] == [99]
    forbidden = 99 not in found[1]["sequences"][0]
    return ("right", "") if forbidden else ("WRONG", "token 99 is there%s" % (", as before" if starts_with_99 else ""))


def judge_injection(case, folder):
    return judge([ids(folder, "model", "good [SEP] bad"), ids(folder, "model", "good [sep] bad", "--parse-special")],
                 case["right_answer"])


def judge_special_tokens(case, folder):
    library = ctypes.CDLL(os.path.join(BUILD, "lib", "libllmcs.so"))
    library.llmcs_error_message.restype = ctypes.c_char_p
    tokenizer = ctypes.c_void_p()
    if library.llmcs_tokenizer_open(os.path.join(folder, "model").encode(), None, ctypes.byref(tokenizer)):
        return "refused", library.llmcs_error_message().decode()
    found = [library.llmcs_special_token(tokenizer, role) for role in (0, 1)]
    library.llmcs_tokenizer_free(ctypes.byref(tokenizer))
    return judge(found, case["right_answer"])


def judge_line_ends(case, folder):
    scores = [command(folder, "classify", "model", text=text)[1].split()[1] for text in (b"hello\r\n", b"hello\n")]
    return judge(scores, scores[1:] * 2)


def judge_unused_token(case, folder):
    code, out, err = command(folder, "generate", "model", "hello", "--max-new-tokens", "3")
    if code:
        return "refused", err.strip()
    (found,), _ = answers(folder, "generate", "model", ['{"input_ids":[264]}'])
    return ("right", "") if found.get("error", {}).get("status") == "TOKEN_RANGE" else ("WRONG", "%s" % found)


def judge_ids_only(case, folder):
    (found,), _ = answers(folder, "eval", "model", ['{"input_ids":[0,4,5,2]}'])
    return ("refused", found["error"]["message"]) if "error" in found else ("right", "")


OWN = {"config-json-repetition-penalty": judge_repetition_penalty, "duplicate-label-names": judge_duplicate_labels,
       "jsonl-seed-2e63": judge_seed, "legacy-injection-bert": judge_injection, "legacy-map-outranks-config-gpt2": judge_special_tokens,
       "stdin-crlf-roberta": judge_line_ends, "tokenizer-pad-not-resized": judge_unused_token,
       "unigram-blocks-ids": judge_ids_only}


def judge_case(name):
    folder = os.path.join(CASES, name)
    with open(os.path.join(folder, "case.json"), encoding="utf-8") as f:
        case = json.load(f)
    first = case["run"] if isinstance(case["run"], str) else case["run"][0]
    if name in OWN:
        return OWN[name](case, folder)
    if "--jsonl" in first:
        return judge_jsonl(case, folder)
    return judge_tokenize(case, folder) if first.startswith("tokenize") else judge_info(case, folder)


class Cases(unittest.TestCase):
    @unittest.skipUnless(os.path.isdir(CASES), "../shared/cases is not there; tests of each part have cases of our own")
    def test_all_are_right_or_refused_with_a_message(self):
        names = sorted(e.name for e in os.scandir(CASES) if e.is_dir())
        table = [(name, *judge_case(name)) for name in names]
        print("\n" + "\n".join("%-32s %-8s %s" % (n, v, m.replace("\n", " ")[:240]) for n, v, m in table))
        self.assertTrue(table)
        self.assertEqual([row for row in table if row[1] == "WRONG" or (row[1] != "right" and not row[2])], [])


if __name__ == "__main__":
    unittest.main()
