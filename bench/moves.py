#!/usr/bin/python3
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Measure moves between two regions that are far apart.

    make bench BENCH=move WANLINK=program        minutes; needs root, for network namespaces
    make bench BENCH=move QUICK=1 WANLINK=program
    MOVE_MS="5 90" MOVE_CASES="1000 1GB"         only these

WANLINK joins two network namespaces with a link of a given delay and rate:
"WANLINK -t MS -r MBIT -a ADDRESS -z ADDRESS -n DEVICE ONE OTHER" says "ready" once
it is there, and removes it on SIGTERM.

One region and the phones are in one namespace, the other region in another.  A
writer stores 20 items a second and follows its account; somebody else, who
stays, is timed beside it.  Each line is "bench NAME value=V unit=U baseline=B
ratio=R".
"""
import contextlib
import json
import os
import pathlib
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "programs"))
sys.dont_write_bytecode = True
from etebase_client import Client, Refused, chunk, item, new_person  # noqa: E402
from regions import Group, Site  # noqa: E402

QUICK = (os.environ.get("BENCH_QUICK") or os.environ.get("QUICK") or "0") != "0"
FAR_MS = tuple(map(int, os.environ.get("MOVE_MS", "90" if QUICK else "5 90 280").split()))
LINK_MBIT = 400
WRITES_PER_SECOND = 20
GIVE_UP_SECONDS = 900
MEBI = 1 << 20
NEAR, AWAY, PHONE = "dom-near", "dom-away", "dom-phone"
RETRY_SECONDS = 0.05


def say(name, value, unit, baseline=None):
    line = f"bench {name} value={value:.6g} unit={unit}"
    if baseline is not None:
        line += f" baseline={baseline:.6g} ratio={value / baseline if baseline else 0:.4g}"
    print(line, flush=True)


# --- the network ---------------------------------------------------------------------------

class Network(contextlib.ExitStack):
    """Namespaces and links, which end with it."""

    def namespace(self, name):
        subprocess.run(["ip", "netns", "add", name], check=True)
        self.callback(subprocess.run, ["ip", "netns", "del", name], check=False)
        subprocess.run(["ip", "-n", name, "link", "set", "lo", "up"], check=True)

    def link(self, one, other, net, milliseconds, mbit=LINK_MBIT):
        process = subprocess.Popen(
            [os.environ["WANLINK"], "-t", str(milliseconds), "-r", str(mbit),
             "-a", f"10.{net}.0.1/24", "-z", f"10.{net}.0.2/24", "-n", f"wan{net}", one, other],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.callback(self.cut, process)
        assert process.stdout.readline().strip() == "ready", "no link"

    @staticmethod
    def cut(process):
        process.terminate()
        process.wait(10)


def enter(namespace):
    """This process is in it from now on."""
    with open(f"/run/netns/{namespace}", "rb") as place:
        if hasattr(os, "setns"):
            os.setns(place.fileno())
        else:
            import ctypes  # pylint: disable=import-outside-toplevel
            libc = ctypes.CDLL(None, use_errno=True)
            if libc.setns(place.fileno(), 0) != 0:
                raise OSError(ctypes.get_errno(), "setns")


# --- people ------------------------------------------------------------------------------------

class Writer(threading.Thread):
    """Stores items at a steady pace and notes when each was acknowledged."""

    def __init__(self, person, collection, contexts, follows):
        super().__init__(daemon=True)
        self.person, self.collection, self.contexts = person, collection, contexts
        self.follows = follows
        self.acknowledged = []  # (when it was first sent, when it was acknowledged, uid)
        self.retried = self.failed = 0
        self.stopping = threading.Event()

    def run(self):
        start = time.monotonic()
        number = 0
        while not self.stopping.is_set():
            due = start + number / WRITES_PER_SECOND
            time.sleep(max(0, due - time.monotonic()))
            # What could not be written in time is written as soon as it can be.
            self.write()
            number += 1

    def write(self):
        entry = item(chunks=[chunk(200)])
        began = time.monotonic()
        give_up = began + 30
        while time.monotonic() < give_up:
            try:
                self.person.batch(self.collection, [entry])
                self.acknowledged.append((began, time.monotonic(), entry["uid"]))
                return
            except Refused as refused:
                if refused.code == "account_moved" and self.follows:
                    self.person = self.follow(refused)
                    continue
                if refused.code == "item_failed":  # it was stored, and the answer was lost
                    self.acknowledged.append((began, time.monotonic(), entry["uid"]))
                    return
                if refused.status not in (401, 503):
                    break
            except OSError:
                self.person.connection.close()
            self.retried += 1
            time.sleep(RETRY_SECONDS)
        self.failed += 1

    def follow(self, refused):
        context = self.contexts[refused.body["region"]]
        give_up = time.monotonic() + 30
        while True:
            try:
                return self.person.follow(refused, context=context)
            except Refused as again:
                if time.monotonic() > give_up or again.status not in (401, 503):
                    raise
                time.sleep(RETRY_SECONDS)

    def stop(self):
        self.stopping.set()
        self.join()

    def gaps(self):
        """Seconds without an acknowledgement."""
        ends = sorted(end for _, end, _ in self.acknowledged)
        return [later - earlier for earlier, later in zip(ends, ends[1:])]


def fill(person, count, big_bytes):
    """An account with so many items, and so many bytes in large chunks."""
    collection = person.create_collection()
    for at in range(0, count, 100):
        person.batch(collection, [item(chunks=[chunk(300)])
                                  for _ in range(min(100, count - at))])
    for _ in range(big_bytes // (4 * MEBI)):
        piece = chunk(4 * MEBI)
        person.put_chunk(collection, *piece)
        person.batch(collection, [item(chunks=[(piece[0], None)])])
    return collection


def device_of(person, site, context):
    """Another device of the same account, so that both can ask at once."""
    device = Client(site.address, context=context)
    device.login(person.name, person.login_key)
    device.statement_key, device.serial = person.statement_key, person.serial
    return device


def percentile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


# --- a move ------------------------------------------------------------------------------------

class Moved:
    """One move with its writer: what it cost."""

    def __init__(self, person, collection, sites, contexts, source, target):
        writing = device_of(person, sites[source], contexts[source])
        writer = Writer(writing, collection, contexts, True)
        writer.start()
        time.sleep(1)
        began = time.monotonic()
        move = person.order_move(source, target)
        self.took = self.wait(writer, target) - began
        time.sleep(1)
        writer.stop()
        self.person = writer.person
        self.person.serial = person.serial  # the order's
        self.gap = max(writer.gaps())
        self.failed, self.retried = writer.failed, writer.retried
        self.latencies = [end - began for began, end, _ in writer.acknowledged]
        kept = {entry["uid"] for entry in self.person.items(collection)}
        self.lost = sum(uid not in kept for _, _, uid in writer.acknowledged)
        self.writes = len(writer.acknowledged)
        self.pause = settle(self.person, sites[source], move)

    @staticmethod
    def wait(writer, target):
        give_up = time.monotonic() + GIVE_UP_SECONDS
        handoff = None
        while handoff is None or handoff.target != target:
            assert time.monotonic() < give_up, "it does not arrive"
            assert writer.is_alive(), "the writer failed"
            time.sleep(0.01)
            handoff = getattr(writer.person, "handoff", None)
        return time.monotonic()


def settle(person, source, move):
    """A device acknowledges and the copy goes; for how many seconds nobody could write."""
    given = person.handoff
    person.acknowledge_move(given.target, given.move, given.epoch, given.root, 1)
    give_up = time.monotonic() + GIVE_UP_SECONDS
    while True:
        [row] = [row for row in json.loads(source.control("moves", "--json", "--all"))
                 if row["move"] == move.hex() and row["side"] == "source"]
        if row["state"] == "erased":
            return row["pauseMs"] / 1000
        assert time.monotonic() < give_up, row
        time.sleep(0.05)


class Case:
    """Accounts of one size, moved there and back a few times."""

    def __init__(self, name, items, big_bytes, rounds):
        self.name, self.items, self.big_bytes, self.rounds = name, items, big_bytes, rounds

    def bytes(self):
        return self.items * 300 + self.big_bytes


CASES = [Case("1000", 1000, 0, 3)] if QUICK else [
    Case("1000", 1000, 0, 10), Case("100000", 100_000, 0, 2), Case("1GB", 1000, 1 << 30, 2)]
CASES = [case for case in CASES
         if case.name in os.environ.get("MOVE_CASES", case.name).split()]


def measure(case, far_ms, sites, contexts):
    person = new_person(sites["near"].address, region="near", context=contexts["near"])
    collection = fill(person, case.items, case.big_bytes)
    other = new_person(sites["near"].address, region="near", context=contexts["near"])
    beside = Writer(other, other.create_collection(), contexts, False)
    beside.start()
    time.sleep(3 if QUICK else 10)
    before = len(beside.acknowledged)
    moves, regions = [], ["near", "away"]
    during = []
    for _ in range(case.rounds):
        first = len(beside.acknowledged)
        moves.append(Moved(person, collection, sites, contexts, *regions))
        if regions[0] == "near":
            during += beside.acknowledged[first:]
        person = moves[-1].person
        regions.reverse()
    beside.stop()
    name = f"move-{far_ms}ms-{case.name}"
    pauses = [move.pause * 1000 for move in moves]
    gaps = [move.gap * 1000 for move in moves]
    latencies = [latency * 1000 for move in moves for latency in move.latencies]
    expected = 1.5 * far_ms
    say(f"{name}-pause", statistics.median(pauses), "ms", expected)
    say(f"{name}-pause-worst", max(pauses), "ms", expected)
    say(f"{name}-silence", statistics.median(gaps), "ms")
    say(f"{name}-silence-worst", max(gaps), "ms")
    say(f"{name}-write-p50", percentile(latencies, 0.5), "ms")
    say(f"{name}-write-p99", percentile(latencies, 0.99), "ms")
    say(f"{name}-write-worst", max(latencies), "ms")
    say(f"{name}-writes", sum(move.writes for move in moves), "writes")
    say(f"{name}-failed", sum(move.failed for move in moves), "writes")
    say(f"{name}-retried", sum(move.retried for move in moves), "writes")
    say(f"{name}-lost", sum(move.lost for move in moves), "writes")
    say(f"{name}-total", statistics.median(move.took for move in moves), "s",
        case.bytes() * 8 / (LINK_MBIT * 1e6))
    alone = [1000 * (end - began) for began, end, _ in beside.acknowledged[:before]]
    busy = [1000 * (end - began) for began, end, _ in during]
    for share, word in ((0.5, "p50"), (0.99, "p99")):
        say(f"{name}-others-{word}", percentile(busy, share), "ms", percentile(alone, share))
    return sum(move.lost + move.failed for move in moves)


def closer(network, sites, contexts):
    """The sentence of 2014: a phone in the target's country, before the move and after it."""
    network.namespace(PHONE)
    network.link(NEAR, PHONE, 78, 400, 50)
    network.link(AWAY, PHONE, 79, 50, 50)
    person = new_person(sites["near"].address, region="near", context=contexts["near"])
    fill(person, 1000, 0)
    figures = {}
    for region, address in (("near", "10.78.0.1"), ("away", "10.79.0.1")):
        url = f"https://{address}:8037"
        done = subprocess.run(
            ["ip", "netns", "exec", PHONE, sys.executable, __file__, "--phone", url,
             str(sites[region].certificate), person.name, bytes(person.login_key).hex()],
            check=True, stdout=subprocess.PIPE, text=True)
        figures[region] = json.loads(done.stdout)
        if region == "near":
            move = person.order_move("near", "away")
            give_up = time.monotonic() + GIVE_UP_SECONDS
            while True:
                assert time.monotonic() < give_up
                try:
                    person.collections()
                    time.sleep(0.05)
                except Refused as refused:
                    if refused.code == "account_moved":
                        person = person.follow(refused, context=contexts["away"])
                        break
            settle(person, sites["near"], move)
    for name, unit in (("login", "ms"), ("round-trip", "ms"), ("sync", "ms"), ("write", "ms")):
        say(f"closer-{name}", figures["away"][name], unit, figures["near"][name])


def phone(url, certificate, name, login_key):
    """A phone's day, in its own namespace: what takes how long, in milliseconds."""
    import ssl  # pylint: disable=import-outside-toplevel
    import nacl.signing  # pylint: disable=import-outside-toplevel
    context = ssl.create_default_context(cafile=certificate)
    context.check_hostname = False
    took = {}

    def timed(what, run, rounds=5):
        times = []
        for _ in range(rounds):
            began = time.monotonic()
            result = run()
            times.append(1000 * (time.monotonic() - began))
        took[what] = statistics.median(times)
        return result

    def log_in():
        client = Client(url, context=context)
        client.login(name, nacl.signing.SigningKey(bytes.fromhex(login_key)))
        return client

    client = timed("login", log_in, 3)
    [collection] = client.collections()
    uid = collection["item"]["uid"]
    timed("round-trip", lambda: client.get("/api/v1/authentication/is_etebase/"))
    timed("sync", lambda: client.items(uid, limit=50), 3)
    timed("write", lambda: client.batch(uid, [item(chunks=[chunk(200)])]))
    print(json.dumps(took))


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # namespaces end, too
    failures = 0
    with Network() as network, tempfile.TemporaryDirectory(
            prefix="bench-moves-", dir=os.environ.get("BENCH_FOLDER") or "/var/tmp") as folder:
        folder = pathlib.Path(folder)
        for name in (NEAR, AWAY):
            network.namespace(name)
        enter(NEAR)
        for far_ms in FAR_MS:
            with Network() as link:
                link.link(NEAR, AWAY, 77, far_ms)
                failures += run_pair(folder / str(far_ms), far_ms, link)
    return 1 if failures else 0


def run_pair(folder, far_ms, network):
    folder.mkdir()
    group = Group(folder / "group")
    places = {"near": (NEAR, "10.77.0.1"), "away": (AWAY, "10.77.0.2")}
    sites = {}
    for name, (namespace, host) in places.items():
        sites[name] = Site(folder / name, name, group, tls=True, host=host)
        sites[name].within = ["ip", "netns", "exec", namespace]
        # Whoever comes over another link of the same machine finds it as well.
        sites[name].settings["listen"] = "0.0.0.0:8037 tls"
    group.sign()
    both = folder / "certificates.pem"
    both.write_bytes(b"".join(site.certificate.read_bytes() for site in sites.values()))
    contexts = {name: site.client_context() for name, site in sites.items()}
    failures = 0
    with contextlib.ExitStack() as servers:
        for site in sites.values():
            site.settings["peer_ca"] = both
            site.start()
            servers.callback(site.stop)
        for case in CASES:
            failures += measure(case, far_ms, sites, contexts)
        if far_ms == FAR_MS[-1]:
            closer(network, sites, contexts)
    return failures


if __name__ == "__main__":
    if sys.argv[1:2] == ["--phone"]:
        phone(*sys.argv[2:])
    else:
        sys.exit(main())
