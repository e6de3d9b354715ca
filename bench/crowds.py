# SPDX-License-Identifier: AGPL-3.0-or-later
"""What tools/bench measures besides the operations: devices that only wait, clients
that hold the server up, and HTTP/2.

Each function takes a Stage, a server and what it needs, and yields lines as
(name, value, unit, baseline or None); figures are medians of its rounds.
"""
import re
import shutil
import statistics
import subprocess

SOCKET_GOAL_KIB = 24
ATTACKERS = 1000


def push(stage, quick):
    """Sockets over TLS that wait for changes: memory for each, and one change to all of them."""
    count = 1000 if quick else 10000
    answer = stage.load("tls")(f"push {count}")
    yield "push-memory", answer["socket_kib"], "KiB", SOCKET_GOAL_KIB
    yield "push-open", count / answer["open_seconds"], "sockets/s", None
    yield "push-burst", answer["burst_last_ms"], "ms", None
    yield "push-burst-median", answer["burst_p50_ms"], "ms", None
    yield "push-burst-cpu", 1e6 * answer["burst_cpu"] / count, "us/socket", None
    yield "push-idle-cpu", 100 * answer["idle_cpu_share"], "%", None


def attack(stage, quick):
    """The 99th percentile of an honest client beside slow attackers, against alone."""
    count = ATTACKERS // 5 if quick else ATTACKERS
    rounds = 3 if quick else 5
    honest = {"empty-sync": "empty-sync 4 3000", "upload": "upload 1 40"}
    load, attackers = stage.load("tls"), stage.load("tls")
    found = {name: ([], []) for name in honest}

    def measure(which):
        for name, command in honest.items():
            answer = load(command)
            assert answer["errors"] == 0, answer
            found[name][which].append(answer["p99_ms"])

    for command in honest.values():
        load(command)
    for _ in range(rounds):
        measure(0)
        attackers(f"attack {count} {2 if quick else 4}")  # they are there from now on
        measure(1)
        measure(1)
        attackers.answer("attack")
    for name, (alone, beside) in found.items():
        yield f"attack-{name}-p99", statistics.median(beside), "ms", statistics.median(alone)


def h2load(urls, token, connections, streams, count, is_http1=False):
    """Requests a second of h2load, which must all succeed."""
    command = ["h2load", "-n", str(count), "-c", str(connections), "-m", str(streams),
               "-t", "1", "-i", str(urls), "-H", f"authorization: Token {token}"]
    output = subprocess.run(command + (["--h1"] if is_http1 else []), check=True,
                            capture_output=True, text=True).stdout
    done = int(re.search(r"(\d+) 2xx", output).group(1))
    assert done == count, output
    return float(re.search(r", ([\d.]+) req/s", output).group(1))


def http2(stage, quick):
    """The same reads over HTTP/2, by another client, with nginx and HTTP/1.1 beside it."""
    if shutil.which("h2load") is None:
        return
    rounds = 3 if quick else 5
    load = stage.load("tls")
    load(f"save {stage.files}")
    load(f"urls {stage.files}")
    token = (stage.files / "token").read_text()
    nginx = stage.nginx(http2=True)
    cases = [("empty-sync", "empty", 16, 1, 10000, 1, "request/s"),
             ("empty-sync-streams", "empty", 1, 16, 10000, 1, "request/s"),
             ("sync", "page50-", 1, 1, 400, 50, "items/s"),
             ("chunk-download", "chunk", 1, 1, 96, stage.chunk_mebi(), "MiB/s"),
             ("chunk-download-c4", "chunk", 4, 1, 192, stage.chunk_mebi(), "MiB/s")]
    for name, kind, connections, streams, count, units, unit in cases:
        urls = stage.files / f"urls-{kind}"
        theirs = stage.files / f"nginx-urls-{kind}"
        files = len(urls.read_text().split())
        theirs.write_text("".join(f"{nginx}/{kind}{i}\n" for i in range(files)))
        count = max(files, count // (4 if quick else 1))
        ours, limit, old = [], [], []
        for _ in range(rounds):
            ours.append(units * h2load(urls, token, connections, streams, count))
            limit.append(units * h2load(theirs, token, connections, streams, count))
            if streams == 1:
                old.append(units * h2load(urls, token, connections, 1, count, True))
        yield f"{name}-h2", statistics.median(ours), unit, statistics.median(limit)
        if old:
            yield f"{name}-h2-of-h1", statistics.median(ours), unit, statistics.median(old)


SUITES = {"push": push, "attack": attack, "http2": http2}
