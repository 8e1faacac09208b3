#!/usr/bin/env python3
"""Follows tools/package/docker/Dockerfile in chroots, where there is no Docker: does the image build, and does it answer?

usage (root): python3 tools/package/docker/chroot.py --work DIR [--base DIR] [--out DIR]

Each stage is a copy of --base, a minimal bookworm that debootstrap makes (DIR/base without the option). RUN, COPY, WORKDIR,
USER, HEALTHCHECK, ENTRYPOINT and CMD are those of the Dockerfile; another instruction that matters is refused. --out has what
`make install DESTDIR=DIR PREFIX=/usr/local` of this release of Debian wrote, and takes the first stage's place, whose build
is that of the tree. Then the server runs as the image's user with one demo model, until the health check passes and it
completes a text. Prints seconds and sizes. No namespaces: processes see this machine's.
"""
import argparse
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.request

ROOT = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", ".."))
KEY = "a key of this test, 32 bytes long"
HARMLESS = ("VOLUME", "EXPOSE", "STOPSIGNAL")


def instructions(path):
    with open(path, encoding="utf-8") as f:
        lines = [line for line in f.read().splitlines() if not line.lstrip().startswith("#")]
    text = re.sub(r"\\\n", " ", "\n".join(lines))
    return [tuple(line.split(None, 1)) for line in text.splitlines() if line.strip()]


def stages_of(path):
    """[(name, instructions)]"""
    stages = []
    for word, rest in instructions(path):
        if word == "FROM":
            parts = rest.split()
            if parts[0] != "debian:bookworm-slim":
                sys.exit("FROM %s: only debian:bookworm-slim is known" % parts[0])
            stages.append((parts[2] if len(parts) > 2 else "", []))
        else:
            stages[-1][1].append((word, rest))
    return stages


def inside(root, command, user=None, cwd="/", **more):
    environment = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root",
                   "DEBIAN_FRONTEND": "noninteractive", **{k: v for k, v in os.environ.items() if k.endswith("_proxy")}}
    where = ["chroot", *(["--userspec=" + user] if user else []), root]
    return subprocess.Popen([*where, "/bin/sh", "-c", 'cd "$1" && shift && exec "$@"', "sh", cwd, *command],
                            env=environment, **more)


def run(root, command, **more):
    process = inside(root, command, **more)
    if process.wait():
        sys.exit("%s: exit code %d" % (" ".join(command)[:200], process.returncode))


def megabytes(folder):
    return int(subprocess.check_output(["du", "-sxm", folder], text=True).split()[0])


def prepare(base, root):
    subprocess.run(["cp", "-a", base, root], check=True)
    shutil.copy("/etc/resolv.conf", root + "/etc/resolv.conf")
    if not os.path.exists(root + "/dev/null"):
        subprocess.run(["mknod", "-m", "666", root + "/dev/null", "c", "1", "3"], check=True)


def copy(rest, root, cwd, roots):
    words = rest.split()
    source = ROOT
    if words[0].startswith("--from="):
        source = roots[words.pop(0)[7:]]
    what, to = words[0], os.path.join(root, os.path.join(cwd, words[1]).lstrip("/"))
    if what == ".":  # the context: what git has, without what .dockerignore names
        os.makedirs(to, exist_ok=True)
        archive = subprocess.Popen(["git", "-C", ROOT, "archive", "HEAD"], stdout=subprocess.PIPE)
        subprocess.run(["tar", "-x", "-C", to, "--exclude=tests/data"], stdin=archive.stdout, check=True)
        if archive.wait():
            sys.exit("git archive: exit code %d" % archive.returncode)
        return
    what = os.path.join(source, what.lstrip("/"))
    os.makedirs(os.path.dirname(to), exist_ok=True)
    # COPY of a folder copies what is in it.
    subprocess.run(["cp", "-a", what + "/." if os.path.isdir(what) else what, to], check=True)


def build(steps, root, roots):
    """Makes a stage; how its container is started."""
    image = {"cwd": "/", "user": None, "health": None, "entry": [], "command": []}
    for word, rest in steps:
        if word == "RUN":
            run(root, ["/bin/sh", "-c", rest], cwd=image["cwd"], user=image["user"], stdout=subprocess.DEVNULL)
        elif word == "COPY":
            copy(rest, root, image["cwd"], roots)
        elif word == "WORKDIR":
            image["cwd"] = rest
            os.makedirs(root + rest, exist_ok=True)
        elif word == "USER":
            image["user"] = rest
        elif word == "HEALTHCHECK":
            image["health"] = json.loads(rest[rest.index("CMD") + 3:])
        elif word in ("ENTRYPOINT", "CMD"):
            image["entry" if word == "ENTRYPOINT" else "command"] = json.loads(rest)
        elif word not in HARMLESS:
            sys.exit("%s: this script does not know it" % word)
    return image


def serve(image, root):
    """Starts the server as a container would, asks it, ends it. Seconds until it was healthy."""
    from hashlib import sha256
    os.makedirs(root + "/etc/llmcs", exist_ok=True)
    with open(root + "/etc/llmcs/server.json", "w", encoding="utf-8") as out:
        json.dump({"listen": {"address": "0.0.0.0"}, "keys": [{"name": "test", "key_sha256": sha256(KEY.encode()).hexdigest(),
                                                             "roles": ["inference"]}],
                   "models": [{"name": "m", "path": "/usr/local/share/llmcs/models/shop-gpt2"}]}, out)
    begin = time.monotonic()
    server = inside(root, image["entry"] + image["command"], user=image["user"], cwd=image["cwd"])
    try:
        while inside(root, image["health"], user=image["user"], stderr=subprocess.DEVNULL).wait():
            if server.poll() is not None or time.monotonic() > begin + 120:
                sys.exit("the health check does not pass")
            time.sleep(0.1)
        healthy = time.monotonic() - begin
        request = urllib.request.Request(
            "http://127.0.0.1:8080/v1/completions", json.dumps({"model": "m", "prompt": "User: hi\nBot:", "max_tokens": 8}).encode(),
            {"Content-Type": "application/json", "Authorization": "Bearer " + KEY})
        answer = json.load(urllib.request.urlopen(request, timeout=60))
        print("it answers: %r" % answer["choices"][0]["text"])
        with open("/proc/%d/status" % server.pid, encoding="utf-8") as f:
            print("it runs as %s" % re.search(r"^Uid:\s+(\d+)", f.read(), re.M).group(1))
    finally:
        server.send_signal(signal.SIGTERM)
        code = server.wait(60)
    if code:
        sys.exit("SIGTERM: exit code %d" % code)
    return healthy


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("--work", required=True)
    p.add_argument("--base")
    p.add_argument("--out")
    a = p.parse_args()
    base = a.base or os.path.join(a.work, "base")
    os.makedirs(a.work, exist_ok=True)
    if not os.path.isdir(base):
        subprocess.run(["debootstrap", "--variant=minbase", "bookworm", base], check=True, stdout=subprocess.DEVNULL)
        run(base, ["apt-get", "clean"])
    print("base: %d MiB" % megabytes(base))
    roots, image = {}, None
    for i, (name, steps) in enumerate(stages_of(os.path.join(os.path.dirname(os.path.abspath(__file__)), "Dockerfile"))):
        root = os.path.join(a.work, "stage%d" % i)
        begin = time.monotonic()
        shutil.rmtree(root, ignore_errors=True)
        if name and a.out:
            os.makedirs(root)
            subprocess.run(["cp", "-a", a.out, root + "/out"], check=True)
        else:
            prepare(base, root)
            image = build(steps, root, roots)
        roots[name] = root
        print("stage %d %s: %.0f s, %d MiB" % (i, name or "(the image)", time.monotonic() - begin, megabytes(root)), flush=True)
    print("healthy after %.1f s; SIGTERM ends it with 0" % serve(image, root))


if __name__ == "__main__":
    main()
