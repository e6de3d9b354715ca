# SPDX-License-Identifier: AGPL-3.0-or-later
"""Regions as programs: real servers with a folder each, alone or in a group.

Nothing here needs pytest, so demos and benchmarks use it as well.  The
programs are those of $DOMICILED and $DOMICILECTL, or of the build folder
$DOMICILE_BUILD (default: build), or $BUILD.

    group = Group(folder / "group")
    pair = [Site(folder / name, name, group) for name in ("in", "sg")]
    group.sign()
    for site in pair: site.start()
"""
import itertools
import os
import pathlib
import re
import signal
import ssl
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent

START_SECONDS = 20
STOP_SECONDS = 20


def build_folder():
    named = os.environ.get("DOMICILE_BUILD") or os.environ.get("BUILD") or "build"
    return ROOT / named  # an absolute one stays as it is


def program(variable, path):
    """The path of a program under test; missing is a failure, never a skip."""
    found = pathlib.Path(os.environ.get(variable) or build_folder() / path)
    assert found.exists(), f"{found} is missing: build first, or set {variable}"
    return str(found)


def domiciled_path():
    return program("DOMICILED", "src/daemon/domiciled")


def domicilectl(*words, code=0, timeout=60):
    """What it printed: standard output if it is to succeed, else standard error."""
    done = subprocess.run([program("DOMICILECTL", "src/daemon/domicilectl"), *map(str, words)],
                          capture_output=True, text=True, timeout=timeout, check=False)
    assert done.returncode == code, f"{words}: {done.returncode}\n{done.stdout}{done.stderr}"
    return done.stdout if code == 0 else done.stderr


loopbacks = itertools.count(1)


def loopback():
    """An address of this machine that no other process of these tests has."""
    number = next(loopbacks)
    assert number < 250
    return f"127.{64 + (os.getpid() >> 8 & 127)}.{os.getpid() & 255}.{number}"


class Region:
    """A region server that can be stopped, killed and started again.

    url, port      where it listens, after start()
    folder         everything of it; folder/data is the server's own
    pid            of the running server, else None
    log            what it wrote to standard error, of all its lives
    """

    def __init__(self, folder, name="home", settings=None, tls=False, host="127.0.0.1"):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.data = self.folder / "data"
        self.name = name
        self.tls = tls
        self.settings = {"signup": "open", **(settings or {})}
        self.configuration = self.folder / "domiciled.conf"
        self.ready = self.folder / "ready"
        self.log_path = self.folder / "log"
        self.process = None
        self.url = None
        self.host = host
        self.within = []  # a command that runs the server, such as "ip netns exec x"
        self.port = 0
        if tls:
            self.make_certificate()

    def make_certificate(self):
        self.certificate = self.folder / "certificate.pem"
        key = self.folder / "key.pem"
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
             "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=localhost",
             "-addext", f"subjectAltName=DNS:localhost,IP:{self.host}",
             "-keyout", str(key), "-out", str(self.certificate)],
            check=True, capture_output=True)
        self.settings.setdefault("tls_certificate", self.certificate)
        self.settings.setdefault("tls_key", key)

    def client_context(self):
        return ssl.create_default_context(cafile=str(self.certificate))

    def write_configuration(self):
        lines = {"region": self.name, "data": self.data, "ready_file": self.ready,
                 # After a restart the port stays, so that clients find it again.
                 "listen": f"{self.host}:{self.port}{' tls' if self.tls else ''}",
                 **self.settings}
        self.configuration.write_text(
            "".join(f"{key} = {value}\n" for key, value in lines.items()))

    def start(self, fault=None):
        """fault: where it ends itself, see fault.c."""
        assert self.process is None
        self.write_configuration()
        self.ready.unlink(missing_ok=True)
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                [*self.within, domiciled_path() if fault is None
                 else program("DOMICILED_FAULTY", "tests/domiciled-faulty"),
                 "-c", str(self.configuration)],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env={**os.environ, **({"DOMICILE_FAULT": fault} if fault else {})})
        give_up = time.monotonic() + START_SECONDS
        while not self.ready.exists():
            assert self.process.poll() is None, f"it did not start:\n{self.log}"
            assert time.monotonic() < give_up, f"it is not ready:\n{self.log}"
            time.sleep(0.005)
        self.url = self.ready.read_text().splitlines()[1]
        self.port = int(self.url.rsplit(":", 1)[1]) if ":" in self.url[6:] else 0
        return self

    def stop(self):
        """As an operator would; returns the exit code."""
        if self.process is None:
            return None
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(STOP_SECONDS)
        self.process = None
        return code

    def wait_for_fault(self, seconds=20):
        """Until it has ended itself."""
        code = self.process.wait(seconds)
        self.process = None
        assert code == -signal.SIGKILL, f"it ended with {code}:\n{self.log}"

    def kill9(self):
        self.process.kill()
        self.process.wait()
        self.process = None

    def restart(self):
        self.stop()
        return self.start()

    @property
    def pid(self):
        return self.process.pid if self.process else None

    @property
    def log(self):
        return self.log_path.read_text() if self.log_path.exists() else ""


class Group:
    """A group of regions, with its key, in a folder of its own."""

    def __init__(self, folder, name="Test regions"):
        self.folder = pathlib.Path(folder)
        self.signed = self.folder / "group.signed"
        domicilectl("group", "init", self.folder, name)

    def add(self, site, *words):
        domicilectl("group", "add", self.folder, site.name, f"key={site.key}",
                    f"address={site.address}", *words)

    def set(self, name, *words):
        domicilectl("group", "set", self.folder, name, *words)

    def remove(self, name):
        domicilectl("group", "remove", self.folder, name)

    def sign(self):
        domicilectl("group", "sign", self.folder)
        return self.signed.read_bytes()


class Site(Region):
    """A region as "domicilectl region init" makes it; group: a Group, or None.

    key, address   what the group says of it
    host           where it listens; None: an address of its own on this machine
    """

    def __init__(self, folder, name, group=None, settings=None, policy=(), tls=False, host=None):
        super().__init__(folder, name, settings, tls, host or loopback())
        self.port = 8037
        self.address = f"{'https' if tls else 'http'}://{self.host}:{self.port}"
        options = ["--group", group.signed] if group else []
        if tls:
            options += ["--certificate", self.settings.pop("tls_certificate"),
                        "--certificate-key", self.settings.pop("tls_key")]
        self.said = domicilectl(
            "region", "init", self.folder, "--name", name,
            "--listen", f"{self.host}:{self.port}{' tls' if tls else ''}", *options)
        self.key = self.control("region", "key").strip()
        self.made = self.configuration.read_text()
        if group:
            group.add(self, *policy)

    def control(self, *words, code=0):
        """domicilectl for this region."""
        return domicilectl("-c", self.configuration, *words, code=code)

    def write_configuration(self):
        lines = {"ready_file": self.ready, **self.settings}
        text = self.made
        for key in lines:  # what init has written gives way
            text = re.sub(rf"(?m)^{key} = .*\n", "", text)
        self.configuration.write_text(
            text + "".join(f"{key} = {value}\n" for key, value in lines.items()))
