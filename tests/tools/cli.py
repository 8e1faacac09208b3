"""What tests of the command share: its programs, its requests and answers."""
import json
import os
import subprocess

ROOT = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
BIN = os.environ.get("LLMCS_BIN", os.path.join(ROOT, "build", "bin"))
LLMCS = os.path.join(BIN, "llmcs")
GOLDEN = os.path.join(ROOT, "tests", "data", "golden")
MODELS = os.path.join(ROOT, "examples", "models")
GPT2, BERT = os.path.join(MODELS, "shop-gpt2"), os.path.join(MODELS, "review-bert")


def run(program, *arguments, text="", code=0):
    """stdout of a program that must end with `code`; stderr where that is not 0."""
    text = text if isinstance(text, bytes) else text.encode()
    done = subprocess.run([os.path.join(BIN, program), *arguments], input=text, capture_output=True, timeout=300)
    if done.returncode != code:
        raise AssertionError("%s %s: exit %d, expected %d\n%s" % (program, arguments, done.returncode, code,
                                                                  done.stderr.decode("utf-8", "replace")))
    return done.stdout.decode("utf-8") if code == 0 else done.stderr.decode("utf-8")


def ask(command, folder, requests, *arguments):
    """One answer for each request (dicts, or str for a raw line)."""
    lines = [r if isinstance(r, str) else json.dumps(r, ensure_ascii=False) for r in requests]
    done = subprocess.run([os.path.join(BIN, "llmcs"), command, folder, "--jsonl", *arguments], capture_output=True,
                          input="".join(line + "\n" for line in lines).encode(), timeout=300)
    answers = [json.loads(line, object_pairs_hook=no_key_twice) for line in done.stdout.decode("utf-8").splitlines()]
    assert len(answers) == len(requests), (len(answers), len(requests), done.stderr)
    assert done.returncode == int(any("error" in a for a in answers)), (done.returncode, done.stderr)
    return answers


def no_key_twice(pairs):
    assert len({key for key, _ in pairs}) == len(pairs), pairs
    return dict(pairs)


def run_any(*arguments, text=b""):
    """(exit code, stdout, stderr) of the command."""
    done = subprocess.run([LLMCS, *arguments], input=text, capture_output=True, timeout=300)
    return done.returncode, done.stdout.decode("utf-8"), done.stderr.decode("utf-8")
