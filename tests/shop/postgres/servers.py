"""PostgreSQL for tests: a cluster of its own in a temporary folder, on loopback and a free port, as a user that is not
root; and a proxy that loses connections, or kills, at a chosen message."""

import glob
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time

ROOT = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", ".."))
PASSWORD = "sesame-4711"


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def missing():
    """Why there is no PostgreSQL here, or None."""
    library = os.environ.get("LLMCS_LIBRARY", os.path.join(ROOT, "build", "lib", "libllmcs.so"))
    if not os.path.exists(os.path.join(os.path.dirname(library), "libllmcs_shop_postgres.so")):
        return "libllmcs_shop_postgres.so is not built (package libpq-dev)"
    if not glob.glob("/usr/lib/postgresql/*/bin/initdb"):
        return "no PostgreSQL server (package postgresql)"
    if os.geteuid() == 0 and not (shutil.which("setpriv") and user()):
        return "the server refuses root, and there is no other user to run it as"
    return None


def user():
    for name in "postgres", "nobody":
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    return None


class Postgres:
    def __init__(self):
        self.bin = os.path.dirname(sorted(glob.glob("/usr/lib/postgresql/*/bin/initdb"))[-1])
        self.folder = tempfile.mkdtemp(prefix="llmcs-postgres-")
        self.port = free_port()
        self.process, self.sessions, self.lock = None, {}, threading.Lock()
        self.as_user = []
        if os.geteuid() == 0:
            u = user()
            os.chown(self.folder, u.pw_uid, u.pw_gid)
            self.as_user = ["setpriv", "--reuid=%d" % u.pw_uid, "--regid=%d" % u.pw_gid, "--clear-groups"]
        secret = os.path.join(self.folder, "password")
        with open(secret, "w") as f:
            f.write(PASSWORD)
        os.chmod(secret, 0o644)
        subprocess.run(
            [*self.as_user, os.path.join(self.bin, "initdb"), "-D", self.data, "-U", "owner", "-A", "scram-sha-256", "--pwfile", secret,
             "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"],
            check=True, capture_output=True, cwd="/", env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"})
        self.start()

    @property
    def data(self):
        return os.path.join(self.folder, "data")

    def start(self):
        # What kill -9 of the server leaves is in the kernel's memory: no disk needs to be waited for.
        with open(os.path.join(self.folder, "log"), "ab") as log:
            self.process = subprocess.Popen(
                [*self.as_user, os.path.join(self.bin, "postgres"), "-D", self.data, "-p", str(self.port), "-c", "listen_addresses=127.0.0.1",
                 "-c", "unix_socket_directories=", "-c", "fsync=off", "-c", "max_connections=90", "-c", "shared_buffers=32MB"],
                stdout=log, stderr=log, cwd="/", start_new_session=True)
        for _ in range(200):
            if self.is_ready():
                return
            time.sleep(0.05)
        with open(os.path.join(self.folder, "log")) as f:
            raise AssertionError("PostgreSQL does not start:\n" + f.read())

    def is_ready(self):
        done = subprocess.run([os.path.join(self.bin, "pg_isready"), "-h", "127.0.0.1", "-p", str(self.port)], capture_output=True)
        return done.returncode == 0

    def stop(self, how=signal.SIGINT):
        """SIGINT: at once, connections are closed; SIGKILL: as a machine that is gone."""
        if self.process is None:
            return
        for database in list(self.sessions):
            self.end_session(database)
        if how == signal.SIGKILL:
            for pid in [self.process.pid, *self.backends()]:  # a backend has a process group of its own and lives on
                try:
                    os.kill(pid, how)
                except ProcessLookupError:
                    pass
        else:
            self.process.send_signal(how)
        self.process.wait(30)
        self.process = None
        for name in "postmaster.pid", "postmaster.opts":
            if how == signal.SIGKILL and os.path.exists(os.path.join(self.data, name)):
                os.unlink(os.path.join(self.data, name))

    def backends(self):
        with open("/proc/%d/task/%d/children" % (self.process.pid, self.process.pid)) as f:
            return [int(pid) for pid in f.read().split()]

    def close(self):
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def conninfo(self, database, port=None, **more):
        given = {"host": "127.0.0.1", "port": port or self.port, "dbname": database, "user": "owner", "password": PASSWORD, **more}
        return " ".join("%s=%s" % item for item in given.items())

    def session(self, database):
        """psql, which stays: to start one for each statement takes longer than what is tested."""
        old = self.sessions.pop(database, None)
        if old and old.poll() is None:
            self.sessions[database] = old
            return old
        self.sessions[database] = subprocess.Popen(
            [os.path.join(self.bin, "psql"), "-XqAt", "-F", "\t", "-v", "ON_ERROR_STOP=1",
             self.conninfo(database, options="-csearch_path=llmcs")],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        return self.sessions[database]

    def end_session(self, database):
        psql = self.sessions.pop(database, None)
        if psql:
            psql.stdin.close()
            psql.wait(20)
            psql.stdout.close()

    def sql(self, statements, database="postgres"):
        """Rows as lists of texts."""
        with self.lock:
            psql, rows = self.session(database), []
            psql.stdin.write(statements.rstrip("; ") + ";\n\\echo the-end-of-rows\n")
            psql.stdin.flush()
            for line in psql.stdout:
                if line == "the-end-of-rows\n":
                    return rows
                rows.append(line.rstrip("\n").split("\t"))
            psql.wait(20)
            raise AssertionError((statements, rows))

    def one(self, statement, database):
        found = self.sql(statement, database)
        return found[0][0] if found else None

    def create(self, database, template=None):
        self.end_session(database)
        self.sql("DROP DATABASE IF EXISTS %s WITH (FORCE)" % database)
        self.sql("CREATE DATABASE %s%s" % (database, " TEMPLATE " + template if template else ""))


class Proxy:
    """Forwards connections to the server. on_message(number): called before each message of a client's, counted from 1;
    what it returns: None to forward it; "drop" to lose all connections instead; "deaf" to forward it and lose them before
    the answer; "half" to lose them and leave the server its end, as a cable that is pulled does, until let_go()."""

    def __init__(self, port, on_message=lambda number: None):
        self.port_of_server, self.on_message, self.number = port, on_message, 0
        self.lock, self.open, self.frozen, self.half_open = threading.Lock(), set(), threading.Event(), []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(("127.0.0.1", self.port_of_server))
            except OSError:
                client.close()
                continue
            pair = (client, server)
            with self.lock:
                self.open.add(pair)
            state = {"deaf": False}
            threading.Thread(target=self._to_server, args=(pair, state), daemon=True).start()
            threading.Thread(target=self._to_client, args=(pair, state), daemon=True).start()

    def _to_server(self, pair, state):
        client, server = pair
        try:
            while data := client.recv(65536):
                with self.lock:
                    self.number += 1
                    number = self.number
                what = self.on_message(number)
                while self.frozen.is_set():
                    time.sleep(0.01)
                if what == "drop":
                    self.drop()
                    return
                if what == "half":
                    self.half_open.append(server)
                    client.shutdown(socket.SHUT_RDWR)
                    return
                if what == "deaf":
                    state["deaf"] = True
                server.sendall(data)
        except OSError:
            pass
        self._close(pair)

    def _to_client(self, pair, state):
        client, server = pair
        try:
            while data := server.recv(65536):
                if state["deaf"]:
                    self.drop()
                    return
                while self.frozen.is_set():
                    time.sleep(0.01)
                if server not in self.half_open:
                    client.sendall(data)
        except OSError:
            pass
        self._close(pair)

    def let_go(self):
        """The server notices what "half" lost."""
        for server in self.half_open:
            server.close() if server.fileno() < 0 else server.shutdown(socket.SHUT_RDWR)
        self.half_open = []

    def _close(self, pair):
        with self.lock:
            self.open.discard(pair)
        for s in pair:
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            s.close()

    def drop(self):
        """Loses every connection."""
        with self.lock:
            pairs = list(self.open)
        for pair in pairs:
            self._close(pair)

    def close(self):
        self.listener.close()
        self.drop()
