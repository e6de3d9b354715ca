# SPDX-License-Identifier: AGPL-3.0-or-later
"""The domicile command as a device uses it, for the tests of test_cli_*.py."""
import json
import os
import pathlib
import subprocess

import conftest

PASSWORD = "a good long password"
ROOT = conftest.ROOT


class Device:
    """A state folder of its own; run() answers the finished process."""

    def __init__(self, folder, name="phone"):
        self.folder = pathlib.Path(folder) / f"device-{name}"
        self.folder.mkdir(parents=True, exist_ok=True)
        self.program = conftest.program("DOMICILE", "src/cli/domicile")
        self.environment = dict(os.environ, DOMICILE_STATE=str(self.folder / "state"),
                                NO_COLOR="1", TZ="UTC")

    def start(self, *words, password=None, **options):
        command = [self.program, *map(str, words)]
        reading = None
        if password is not None:
            reading, writing = os.pipe()
            os.write(writing, password.encode() + b"\n")
            os.close(writing)
            command += ["--password-fd", str(reading)]
            options["pass_fds"] = [reading]
        try:
            return subprocess.Popen(
                command, env=self.environment, stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)
        finally:
            if reading is not None:
                os.close(reading)

    def run(self, *words, password=None, code=0, timeout=60, **options):
        process = self.start(*words, password=password, **options)
        out, err = process.communicate(timeout=timeout)
        done = subprocess.CompletedProcess(words, process.returncode, out, err)
        assert "Sanitizer" not in err and "runtime error" not in err, err
        assert done.returncode == code, f"{words}: {done.returncode}\n{out}\n{err}"
        return done

    def signup(self, region, name="ana", services=()):
        self.run("signup", name, "--server", region.url, password=PASSWORD)
        if services:
            self.run("on", *services, "--yes")
        return self

    def login(self, region, name="ana"):
        self.run("login", name, "--server", region.url, password=PASSWORD)
        return self

    def backup(self, *paths, code=0, timeout=60):
        """The JSON of a backup."""
        return json.loads(self.run("backup", "--json", *paths, code=code, timeout=timeout).stdout)

    def status(self):
        return json.loads(self.run("status", "--json").stdout)

    def items(self):
        return {name: entry["items"] for name, entry in self.status()["services"].items()
                if entry["items"]}


def contact(name, uid=None, note=""):
    return (f"BEGIN:VCARD\r\nVERSION:3.0\r\nFN:{name}\r\nN:{name};;;;\r\n"
            + (f"UID:{uid}\r\n" if uid else "") + (f"NOTE:{note}\r\n" if note else "")
            + "END:VCARD\r\n")


def sms(date, body):
    return (f'  <sms protocol="0" address="+12025550123" date="{date}" type="1" subject="null" '
            f'body="{body}" read="1" status="-1" locked="0" />\n')


def smses(records):
    return (f"<?xml version='1.0' encoding='UTF-8' standalone='yes' ?>\n"
            f'<smses count="{len(records)}">\n' + "".join(records) + "</smses>\n")


def jpeg(seed=0, size=20000):
    """A complete picture with pseudo-random but harmless bytes in its scan."""
    import random
    scan = bytes(byte % 255 for byte in random.Random(seed).randbytes(size))
    return (b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00"
            b"\xff\xda\x00\x08\x01\x01\x00\x00\x3f\x00" + scan + b"\xff\xd9")


def tree(folder):
    """Path to bytes of every file below a folder."""
    folder = pathlib.Path(folder)
    return {str(path.relative_to(folder)): path.read_bytes()
            for path in sorted(folder.rglob("*")) if path.is_file()}
