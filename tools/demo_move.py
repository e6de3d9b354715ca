# SPDX-License-Identifier: AGPL-3.0-or-later
"""The part of the demonstration in which the account moves to a second region."""
import json
import random
import sqlite3
import subprocess
import threading
import time

from demo_parts import BUILD, Scanner, Server, Stop, say, step

PIECE = 24  # bytes of ciphertext that are looked for
PIECES = 1000
SETTLE_SECONDS = 60
QUIET_SECONDS = 1


def control(*words):
    done = subprocess.run([BUILD / "src/daemon/domicilectl", *map(str, words)], check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        raise Stop(f"domicilectl {' '.join(map(str, words))}:\n{done.stdout}")
    return done.stdout


def found_group(folder, servers):
    """A group of these regions; each serves as a part of it then.  The group's public key."""
    control("group", "init", folder, "Demo")
    for server in servers:
        key = control("-c", server.configuration, "region", "key").strip()
        control("group", "add", folder, server.settings["region"], f"key={key}",
                f"address={server.url.rstrip('/')}")
    control("group", "sign", folder)
    for server in servers:
        server.stop()
        server.settings["group"] = folder / "group.signed"
        server.start()
    return folder / "group.signed"


class Writer(threading.Thread):
    """A phone that goes on: one new message, one backup, and again."""

    def __init__(self, device, phone):
        super().__init__(daemon=True)
        self.device, self.phone = device, phone
        self.acknowledged, self.ends, self.fault = [], [], None
        self.stopping = threading.Event()

    def run(self):
        number = 0
        while not self.stopping.is_set() and self.fault is None:
            name = f"written-{number:04}.vcf"
            (self.phone / name).write_text(
                "BEGIN:VCARD\r\nVERSION:3.0\r\n"
                f"UID:written-{number:04}@demo\r\nFN:Written While Moving {number:04}\r\n"
                "END:VCARD\r\n", newline="")
            try:
                self.device.run("backup", self.phone / name, show=False)
                self.acknowledged.append(number)
                self.ends.append(time.monotonic())
            except Stop as fault:
                self.fault = fault
            number += 1

    def stop(self):
        self.stopping.set()
        self.join()
        if self.fault:
            raise Stop(f"a write failed while the account moved: {self.fault}")


def ciphertext(server, dice):
    """Pieces of what the region keeps for the account, as they lie on its disk."""
    with sqlite3.connect(f"file:{server.data / 'store.sqlite3'}?mode=ro", uri=True) as database:
        blobs = [row[0] for row in database.execute("SELECT meta FROM item")]
        blobs += [row[0] for row in database.execute("SELECT data FROM chunk")
                  if row[0] is not None]
    for path in (path for path in sorted((server.data / "chunks").rglob("*")) if path.is_file()):
        blobs.append(path.read_bytes())
    blobs = [bytes(blob) for blob in blobs if len(blob) >= PIECE]
    if not blobs:
        raise Stop("the region keeps nothing that could be looked for")
    pieces = set()
    for _ in range(20 * PIECES):
        blob = dice.choice(blobs)
        at = dice.randrange(len(blob) - PIECE + 1)
        pieces.add(blob[at:at + PIECE])
        if len(pieces) == PIECES:
            break
    return pieces


def wait_for_erasure(server):
    """The source's row of the move, once its copy is gone."""
    give_up = time.monotonic() + SETTLE_SECONDS
    while True:
        rows = json.loads(control("-c", server.configuration, "moves", "--json", "--all"))
        done = [row for row in rows if row["side"] == "source" and row["state"] == "erased"]
        if done:
            return done[0]
        if time.monotonic() > give_up:
            raise Stop(f"the source does not erase its copy: {rows}")
        time.sleep(0.1)


def names_in(folder):
    """Numbers of what was written while it moved, in an export of the account."""
    text = "".join(path.read_text(errors="replace") for path in folder.rglob("*.vcf"))
    return {line.rsplit(" ", 1)[1] for line in text.splitlines()
            if line.startswith("FN:Written While Moving ")}


def show_move(demo, first, phone, device, other):
    """device goes on writing while other moves the account.  What there is to say of it."""
    step("A second region opens, and the two form a group")
    second = Server(demo / "second", region="second")
    try:
        signed = found_group(demo / "group", [first, second])
        say(f"regions {first.settings['region']} on {first.url} and second on {second.url}")
        return move(demo, first, second, signed, phone, device, other)
    finally:
        second.stop()


def group_key(signed):
    shown = control("group", "show", signed)
    [key] = [line.split()[-1] for line in shown.splitlines() if line.startswith("# group key")]
    return key


def move(demo, first, second, signed, phone, device, other):
    pieces = ciphertext(first, random.Random(1))
    certificate = demo / "move.domicile-certificate"
    step("The account moves there, while the phone goes on writing")
    writer = Writer(device, phone)
    writer.start()
    time.sleep(QUIET_SECONDS)
    try:
        other.run("move", "second", "--yes", "--certificate", certificate)
        time.sleep(QUIET_SECONDS)
    finally:
        writer.stop()
    row = wait_for_erasure(first)
    step("Nothing is lost: another device looks for every acknowledged write")
    other.run("restore", demo / "after", show=False)
    there = names_in(demo / "after")
    lost = sum(f"{number:04}" not in there for number in writer.acknowledged)
    longest = max(later - earlier for earlier, later in zip(writer.ends, writer.ends[1:]))
    say(f"{len(writer.acknowledged)} writes acknowledged, {lost} lost; the longest wait between two "
        f"was {1000 * longest:.0f} ms, nobody was home for {row['pauseMs']} ms of it")
    other.run("where")
    step("The certificate, checked without a network")
    key = group_key(signed)
    done = subprocess.run([BUILD / "src/verify/domicile-verify", "--group-key", key, certificate],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    for line in done.stdout.splitlines():
        say(line)
    if done.returncode != 0:
        raise Stop("the certificate is not valid")
    step("The first region holds nothing of the account any more")
    scanner = Scanner(list(pieces))
    left, came = (len(scanner.folders(server.data)) for server in (first, second))
    say(f"{len(pieces)} pieces of the account's ciphertext, looked for in every file: {left} found "
        f"there, {came} in the second region")
    if left or lost or came < len(pieces):
        raise Stop("something stayed behind, or is missing")
    return (f"move: {len(writer.acknowledged)} writes acknowledged, {lost} lost, "
            f"pause {row['pauseMs']} ms, certificate valid, source empty")
