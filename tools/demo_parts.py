# SPDX-License-Identifier: AGPL-3.0-or-later
"""What the demonstrations share: a region, devices, and how they talk."""
import os
import pathlib
import re
import subprocess
import sys
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = (ROOT / os.environ.get("BUILD", "build")).resolve()
PASSWORD = "correct horse battery staple"
READY_SECONDS = 20
PROBLEMS_SHOWN = 4
COLOUR = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
TICKS = os.sysconf("SC_CLK_TCK")
BLOCK = 8 << 20


class Stop(Exception):
    """The demo cannot go on, or showed a fault."""


def step(title):
    step.number += 1
    strong, plain = ("\033[1m", "\033[0m") if COLOUR else ("", "")
    print(f"\n{strong}{step.number}. {title}{plain}", flush=True)


step.number = 0


def say(text):
    print(f"   {text}", flush=True)


def size(count):
    for unit in ("bytes", "kB", "MB", "GB"):
        if count < 1000 or unit == "GB":
            return f"{count:.0f} {unit}" if count >= 10 or unit == "bytes" else f"{count:.1f} {unit}"
        count /= 1000
    return ""


class Server:
    """A region on 127.0.0.1; everything of it is in its folder."""

    def __init__(self, folder, **settings):
        folder.mkdir(exist_ok=True)
        self.folder, self.data, self.log = folder, folder / "data", folder / "log"
        self.configuration = folder / "domiciled.conf"
        self.settings = {"region": "demo", "data": self.data, "listen": "127.0.0.1:0",
                         "signup": "open", "ready_file": folder / "ready", **settings}
        self.start()

    def start(self):
        ready = self.folder / "ready"
        ready.unlink(missing_ok=True)
        self.configuration.write_text(
            "".join(f"{key} = {value}\n" for key, value in self.settings.items()))
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [BUILD / "src/daemon/domiciled", "-c", self.configuration],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        give_up = time.monotonic() + READY_SECONDS
        while not ready.exists() or len(ready.read_text().splitlines()) < 2:
            if self.process.poll() is not None or time.monotonic() > give_up:
                self.stop()
                raise Stop("the region did not start:\n" + self.log.read_text())
            time.sleep(0.01)
        self.url = ready.read_text().splitlines()[1]
        # The devices know this address: after a restart it stays.
        self.settings["listen"] = "127.0.0.1:" + self.url.rstrip("/").rsplit(":", 1)[1]

    def cpu(self):
        """Seconds of processor time so far."""
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def memory(self):
        """Peak resident bytes."""
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmHWM:\s+(\d+) kB", status).group(1)) * 1024

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


class Watch(threading.Thread):
    """A process's peak memory: ru_maxrss would count what this program had before exec()."""

    def __init__(self, pid):
        super().__init__(daemon=True)
        self.pid, self.peak, self.ended = pid, 0, threading.Event()
        self.start()

    def run(self):
        while not self.ended.wait(0.002):
            try:
                status = pathlib.Path(f"/proc/{self.pid}/status").read_text()
            except OSError:
                return
            found = re.search(r"VmHWM:\s+(\d+) kB", status)
            if found:
                self.peak = max(self.peak, int(found.group(1)) * 1024)

    def end(self):
        self.ended.set()
        self.join()
        return self.peak


class Device:
    """A device: its own state folder.  shorten: a folder whose name is not shown."""

    def __init__(self, name, server, folder, shorten=None):
        self.name, self.server, self.shorten = name, server, f"{shorten}/"
        self.state = folder / f"state-{name}"
        self.environment = dict(os.environ, DOMICILE_STATE=str(self.state))

    def run(self, *words, password=False, show=True, expected=(0,), folder=None):
        """Run domicile in a folder; its bars go to the terminal, its lines are indented."""
        command = [str(BUILD / "src/cli/domicile"), *map(str, words)]
        shown = " ".join(str(word) for word in words)
        if show:
            say(f"$ domicile {shown}")
        reading = None
        if password:
            reading, writing = os.pipe()
            os.write(writing, PASSWORD.encode() + b"\n")
            os.close(writing)
            command += ["--password-fd", str(reading)]
        started, server_before = time.monotonic(), self.server.cpu()
        process = subprocess.Popen(command, env=self.environment, cwd=folder, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, text=True, errors="replace",
                                   stderr=None if sys.stderr.isatty() else subprocess.STDOUT,
                                   pass_fds=[] if reading is None else [reading])
        if reading is not None:
            os.close(reading)
        watch = Watch(process.pid)
        lines, problems = [], 0
        for line in process.stdout:
            lines.append(line)
            if line.startswith(self.shorten):
                problems += 1
                line = line.replace(self.shorten, "")
            if show and problems > PROBLEMS_SHOWN and not re.match(r"\w+ +[\d,]+ read|done", line):
                continue
            if show:
                if sys.stdout.isatty() and sys.stderr.isatty():
                    print("\r\033[K", end="")  # the next bar may stand there already
                say("  " + line.rstrip("\n"))
        process.stdout.close()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        self.returncode = process.returncode
        self.wall = time.monotonic() - started
        self.cpu = usage.ru_utime + usage.ru_stime
        self.memory = watch.end()
        self.server_cpu = self.server.cpu() - server_before
        self.output = "".join(lines)
        found = re.search(r"^.*: (\S+ \S+) (?:sent|received) in ([\d,]+) requests?", self.output, re.M)
        self.sent = found.group(1) if found else None
        self.requests = int(found.group(2).replace(",", "")) if found else None
        if process.returncode not in expected:
            raise Stop(f"domicile {shown}: exit code {process.returncode}, expected {expected}\n"
                       + ("" if show else self.output))
        return self


class Scanner:
    """Finds which markers stand anywhere in a folder's files or their names.

    Every position of every file is looked at: the first 8 bytes of each marker are
    looked up among the 8-byte words that begin there.
    """

    def __init__(self, markers):
        self.by_head = {}
        for marker in markers:
            assert len(marker) >= 8, marker
            self.by_head.setdefault(int.from_bytes(marker[:8], sys.byteorder), []).append(marker)
        self.heads = set(self.by_head)
        self.longest = max(len(marker) for marker in markers)
        self.markers = markers

    def block(self, data):
        found = set()
        for shift in range(8):
            whole = (len(data) - shift) // 8 * 8
            words = memoryview(data)[shift:shift + whole].cast("Q")
            for head in self.heads.intersection(words):
                found.update(marker for marker in self.by_head[head] if marker in data)
        return found

    def file(self, path):
        found = {marker for marker in self.markers if marker in str(path).encode()}
        with open(path, "rb") as source:
            data = b""
            while read := source.read(BLOCK):
                data = data[-self.longest:] + read
                found |= self.block(data)
        return found

    def folders(self, *folders):
        """{marker: files that it stands in}"""
        where = {}
        for path in sorted(path for folder in folders for path in folder.rglob("*")):
            if path.is_symlink() or not path.is_file():
                continue
            for marker in self.file(path):
                where.setdefault(marker, []).append(path)
        return where


def planted_words(phone, limit=400):
    """Byte strings of the export that must not be on the server's disk."""
    words = set()
    for path in (path for path in sorted(phone.rglob("*")) if path.is_file()):
        with open(path, "rb") as source:
            data = source.read(4 << 20)
        if path.name.lower().endswith((".vcf", ".ics")):
            words.update(found.strip() for found in re.findall(
                rb"^(?:FN|UID|EMAIL|NOTE|SUMMARY|TEL)[^:\r\n]*:([^\r\n]{12,60})", data, re.M))
        elif path.name.lower().endswith(".xml"):
            words.update(re.findall(rb' (?:body|contact_name|address|number)="([^"]{12,60})', data))
        elif len(data) > 4096:
            words.update(data[at:at + 24] for at in (len(data) // 3, len(data) // 2))
        if len(path.name) >= 12:
            words.add(path.name.encode())
    words = sorted(word for word in words if len(set(word)) > 5)
    return words[::max(1, len(words) // limit)]
