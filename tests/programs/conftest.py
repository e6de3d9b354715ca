# SPDX-License-Identifier: AGPL-3.0-or-later
"""Regions for tests: a real domiciled on 127.0.0.1 with a folder of its own.

The program is $DOMICILED, or src/daemon/domiciled in the build folder
$DOMICILE_BUILD (default: build), or $BUILD.
"""
import os
import pathlib
import signal
import ssl
import subprocess
import sys
import time

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

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


class Region:
    """A region server that can be stopped, killed and started again.

    url, port      where it listens, after start()
    folder         everything of it; folder/data is the server's own
    pid            of the running server, else None
    log            what it wrote to standard error, of all its lives
    """

    def __init__(self, folder, name="home", settings=None, tls=False):
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
        self.port = 0
        if tls:
            self.make_certificate()

    def make_certificate(self):
        self.certificate = self.folder / "certificate.pem"
        key = self.folder / "key.pem"
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
             "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=localhost",
             "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
             "-keyout", str(key), "-out", str(self.certificate)],
            check=True, capture_output=True)
        self.settings.setdefault("tls_certificate", self.certificate)
        self.settings.setdefault("tls_key", key)

    def client_context(self):
        return ssl.create_default_context(cafile=str(self.certificate))

    def write_configuration(self):
        lines = {"region": self.name, "data": self.data, "ready_file": self.ready,
                 # After a restart the port stays, so that clients find it again.
                 "listen": f"127.0.0.1:{self.port}{' tls' if self.tls else ''}",
                 **self.settings}
        self.configuration.write_text(
            "".join(f"{key} = {value}\n" for key, value in lines.items()))

    def start(self):
        assert self.process is None
        self.write_configuration()
        self.ready.unlink(missing_ok=True)
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                [domiciled_path(), "-c", str(self.configuration)],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
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


@pytest.fixture
def make_region(tmp_path):
    """make_region(name=.., settings={..}, tls=..) starts one; all end with the test."""
    regions = []

    def make(start=True, **options):
        region = Region(tmp_path / f"region{len(regions)}", **options)
        regions.append(region)
        return region.start() if start else region

    yield make
    codes = [region.stop() for region in regions]
    for region, code in zip(regions, codes):
        assert code in (None, 0), f"it ended with {code}:\n{region.log}"
        for fault in ("Sanitizer", "runtime error:", "Assertion"):
            assert fault not in region.log, region.log


@pytest.fixture
def region(make_region):
    return make_region()


@pytest.fixture
def tls_region(make_region):
    return make_region(tls=True)


@pytest.fixture
def domiciled():
    """Run domiciled to its end: domiciled("--version") -> CompletedProcess."""
    def run(*arguments, timeout=20):
        return subprocess.run([domiciled_path(), *map(str, arguments)], timeout=timeout,
                              capture_output=True, text=True, check=False)

    return run
