# SPDX-License-Identifier: AGPL-3.0-or-later
"""/metrics: figures that add up, on a port of their own, with nothing about anybody."""
import re
import socket
import time
import urllib.error
import urllib.request

import pytest

from etebase_client import Refused, chunk, item, new_person

LINE = re.compile(r'^(\w+)(\{[a-z]+="[^"]*"(?:,[a-z]+="[^"]*")*\})? (-?[0-9.e+]+)$')


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def measured(make_region):
    port = free_port()
    region = make_region(settings={"metrics_listen": f"127.0.0.1:{port}"})
    region.metrics_port = port
    return region


def page(region, path="/metrics"):
    url = f"http://127.0.0.1:{region.metrics_port}{path}"
    with urllib.request.urlopen(url, timeout=20) as reply:
        assert reply.headers["Content-Type"].startswith("text/plain; version=0.0.4")
        return reply.read().decode()


def figures(region):
    """Every line is of the format; name and labels -> value."""
    values = {}
    for line in page(region).splitlines():
        if line.startswith("# "):
            assert re.match(r"# (HELP|TYPE) domicile_\w+ .+", line)
            continue
        name, labels, value = LINE.match(line).groups()
        assert name + (labels or "") not in values
        values[name + (labels or "")] = float(value)
    return values


def test_requests_are_counted_by_operation_and_outcome(measured):
    before = figures(measured)
    assert not [key for key in before if "requests_total" in key]  # its own are not counted
    person = new_person(measured.url)
    collection = person.create_collection()
    for _ in range(3):
        person.batch(collection, [item(chunks=[chunk(5000)])])
    with pytest.raises(Refused):
        person.get("/api/v1/collection/nonsense/")
    after = figures(measured)
    assert after['domicile_requests_total{op="item_batch",status="2xx"}'] == 3
    assert after['domicile_requests_total{op="collection_get",status="4xx"}'] == 1
    assert after["domicile_request_bytes_total"] > 15000
    assert after["domicile_connections"] == 1
    assert after["domicile_commit_seconds_count"] >= 5
    assert after["domicile_commit_jobs_sum"] >= after["domicile_commit_seconds_count"]
    assert after["domicile_store_failed"] == 0
    assert after["domicile_peer_reads"] == after["domicile_peer_reads_put_off_total"] == 0
    assert 0 <= after["domicile_loop_delay_microseconds"] < 10_000_000
    assert after["domicile_requests_held"] == after["domicile_request_held_seconds_count"] == 0
    assert after["domicile_database_bytes"] > 0 and after["domicile_disk_free_bytes"] > 0


def test_histograms_are_cumulative(measured):
    person = new_person(measured.url)
    for _ in range(10):
        person.create_collection()
    values = figures(measured)
    for name in ("domicile_commit_seconds", "domicile_commit_jobs"):
        buckets = [value for key, value in values.items() if key.startswith(name + "_bucket")]
        assert buckets == sorted(buckets) and len(buckets) >= 10
        assert buckets[-1] == values[name + "_count"] > 0
        assert values[name + "_sum"] > 0


def test_nothing_about_anybody_is_in_it(measured):
    person = new_person(measured.url, name="annabelle")
    collection = person.create_collection()
    text = page(measured)
    for word in ("annabelle", collection, person.token, "127.0.0.1", measured.name + "\n"):
        assert word not in text


def test_other_paths_and_slow_clients_are_harmless(measured):
    with pytest.raises(urllib.error.HTTPError) as refused:
        page(measured, "/")
    assert refused.value.code == 404
    with socket.create_connection(("127.0.0.1", measured.metrics_port)) as slow:
        slow.sendall(b"GET /metr")
        started = time.monotonic()
        assert figures(measured)
        assert time.monotonic() - started < 10
    with socket.create_connection(("127.0.0.1", measured.metrics_port)) as huge:
        huge.sendall(b"x" * 100_000)
    assert figures(measured)
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(measured.url + "/metrics", timeout=20)
    assert refused.value.code == 404  # not where people are served


def test_it_is_for_this_machine_alone(domiciled, tmp_path):
    path = tmp_path / "domiciled.conf"
    for address, said in [("0.0.0.0:9637", "without TLS"), ("127.0.0.1:9637 tls", "remove"),
                          ("nonsense", "nonsense")]:
        path.write_text(f"region = home\ndata = {tmp_path}/data\nmetrics_listen = {address}\n")
        process = domiciled("--check-config", "-c", path)
        assert process.returncode == 2 and said in process.stderr, process.stderr
