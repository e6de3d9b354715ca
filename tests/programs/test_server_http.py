# SPDX-License-Identifier: AGPL-3.0-or-later
"""domiciled seen from a socket: HTTP as it is spoken, limits, start and stop."""
import os
import re
import signal
import socket
import ssl
import subprocess
import threading
import time

import msgpack
import pytest

from conftest import ROOT, Region, domiciled_path
from etebase_client import Client, Refused, chunk, item, new_person, uid

IS_ETEBASE = "/api/v1/authentication/is_etebase/"


class Wire:
    """A socket that reads responses one by one."""

    def __init__(self, region, timeout=30):
        self.socket = socket.create_connection(("127.0.0.1", region.port), timeout=timeout)
        self.file = self.socket.makefile("rb")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data.encode() if isinstance(data, str) else data)

    def read(self, has_body=True):
        """(status, fields, body); a body that is msgpack is decoded."""
        line = self.file.readline()
        assert line.startswith(b"HTTP/1.1 "), line
        status, fields = int(line.split()[1]), {}
        while (line := self.file.readline()) not in (b"\r\n", b""):
            name, value = line.decode().rstrip("\r\n").split(": ", 1)
            assert name.lower() not in fields
            fields[name.lower()] = value
        body = b""
        if has_body and "content-length" in fields:
            body = self.file.read(int(fields["content-length"]))
        if fields.get("content-type") == "application/msgpack" and body:
            body = msgpack.unpackb(body)
        return status, fields, body

    def ask(self, method, path, fields="", body=b"", **options):
        length = f"Content-Length: {len(body)}\r\n" if body else ""
        self.send(f"{method} {path} HTTP/1.1\r\nHost: localhost\r\n{length}{fields}\r\n".encode()
                  + body)
        return self.read(**options)

    def ended(self):
        return self.file.read() == b""


def ask(region, method, path, fields="", body=b"", **options):
    with Wire(region) as wire:
        return wire.ask(method, path, fields, body, **options)


def authorized(person):
    return f"Authorization: Token {person.token}\r\n"


# --- requests and replies -----------------------------------------------------


def test_every_reply_has_its_security_fields(region):
    for method, path in (("GET", IS_ETEBASE), ("GET", "/nothing/"), ("PUT", IS_ETEBASE)):
        _, fields, _ = ask(region, method, path)
        assert fields["server"] == "domicile"
        assert fields["x-content-type-options"] == "nosniff"
        assert fields["cache-control"] == "no-store"


def test_unknown_paths_and_methods(region):
    for path in ("/", "/api/api/v1/authentication/is_etebase/", IS_ETEBASE[:-1],
                 "/api/v1/collection/x/members/", "/api/v1/ws/"):
        for method in ("GET", "POST"):
            status, _, body = ask(region, method, path)
            assert (status, body["code"]) == (404, "not_found")
    status, fields, body = ask(region, "POST", IS_ETEBASE)
    assert (status, body["code"], fields["allow"]) == (405, "method_not_allowed", "GET")
    status, fields, _ = ask(region, "PATCH", "/api/v1/collection/")
    assert (status, fields["allow"]) == (405, "POST, GET")
    status, fields, body = ask(region, "GET", "/api/v1/ws/t/")
    assert (status, body["code"], fields["upgrade"]) == (426, "upgrade_required", "websocket")
    status, _, _ = ask(region, "GET", "/api/v1/collection/%zz/")
    assert status == 400


def test_head_gets_no_body(region):
    with Wire(region) as wire:
        status, fields, _ = wire.ask("HEAD", IS_ETEBASE, has_body=False)
        assert status == 405 and int(fields["content-length"]) > 0
        assert wire.ask("GET", IS_ETEBASE)[0] == 200


def test_who_does_not_log_in_is_told_so(region):
    for fields in ("", "Authorization: \r\n", "Authorization: word\r\n",
                   "Authorization: Basic YTpi\r\n", "Authorization: Token a b\r\n"):
        status, reply, body = ask(region, "GET", "/api/v1/collection/", fields)
        assert (status, body["code"]) == (401, "not_authenticated")
        assert body.keys() == {"code", "detail"} and "www-authenticate" in reply
    status, _, body = ask(region, "GET", "/api/v1/collection/", f"Authorization: token {'x' * 40}\r\n")
    assert (status, body["code"]) == (401, "authentication_failed")
    person = new_person(region.url)
    for scheme in ("Token", "token", "TOKEN", "Bearer", "Token  "):
        status, _, _ = ask(region, "GET", "/api/v1/collection/",
                           f"Authorization: {scheme} {person.token}\r\n")
        assert status == 200


def test_an_empty_success_is_empty(region):
    status, fields, body = ask(region, "GET", IS_ETEBASE, "Content-Type: application/msgpack\r\n")
    assert (status, fields["content-length"], body) == (200, "0", b"")
    assert "content-type" not in fields
    person = new_person(region.url)
    status, fields, _ = ask(region, "POST", "/api/v1/authentication/logout/", authorized(person))
    assert status == 204 and "content-length" not in fields


def test_media_types(region):
    body = msgpack.packb({"username": "nobody"})
    path = "/api/v1/authentication/login_challenge/"
    for name in ("application/msgpack", "Application/MsgPack", "application/msgpack; charset=x"):
        assert ask(region, "POST", path, f"Content-Type: {name}\r\n", body)[0] in (200, 401)
    for name in ("Content-Type: application/json\r\n", "Content-Type: text/plain\r\n", ""):
        status, _, reply = ask(region, "POST", path, name, body)
        assert (status, reply["code"]) == (415, "unsupported_media_type")
    status, _, reply = ask(region, "POST", path, "Content-Type: application/msgpack\r\n", b"\xc1")
    assert status == 400
    status, _, reply = ask(region, "POST", path, "Content-Type: application/msgpack\r\n", b"\x01")
    assert (status, reply["code"]) == (422, "validation_error")
    person = new_person(region.url)
    collection = person.create_collection()
    for name in ("application/msgpack", "image/png", "application/octet-stream"):
        status, _, _ = ask(region, "PUT",
                           f"/api/v1/collection/{collection}/item/{uid()}/chunk/{uid(32)}/",
                           f"Content-Type: {name}\r\n" + authorized(person), b"raw bytes")
        assert status == 201


def test_queries_are_checked_after_who_asks(region):
    person = new_person(region.url)
    for query in ("limit=-1", "limit=x", "prefetch=all"):
        assert ask(region, "GET", f"/api/v1/collection/?{query}")[0] == 401
        status, _, body = ask(region, "GET", f"/api/v1/collection/?{query}", authorized(person))
        assert (status, body["code"]) == (422, "validation_error")
    assert ask(region, "GET", "/api/v1/collection/?limit=7&new=1", authorized(person))[0] == 200


def test_bodies_of_get_and_delete_are_ignored(region):
    person = new_person(region.url)
    with Wire(region) as wire:
        assert wire.ask("GET", IS_ETEBASE, body=b"x" * 1000)[0] == 200
        assert wire.ask("DELETE", f"/domicile/v1/sessions/{'A' * 22}/", authorized(person),
                        b"\xc1")[0] == 404
        status, fields, _ = wire.ask("GET", IS_ETEBASE, body=b"x" * 100_000)
        assert status == 413 and fields["connection"] == "close"


# --- cross-origin ---------------------------------------------------------------


def test_cors_preflight(region):
    status, fields, body = ask(
        region, "OPTIONS", "/api/v1/collection/",
        "Origin: https://app.example\r\nAccess-Control-Request-Method: POST\r\n"
        "Access-Control-Request-Headers: authorization, content-type\r\n")
    assert (status, body) == (200, b"OK")
    assert fields["access-control-allow-origin"] == "https://app.example"
    assert fields["access-control-allow-credentials"] == "true"
    assert fields["access-control-allow-methods"] == (
        "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT")
    assert fields["access-control-allow-headers"] == "authorization, content-type"
    assert fields["access-control-max-age"] == "600"
    assert fields["vary"] == "Origin"
    for origin in ("null", "file://", "app:x", "https://"):
        status, fields, body = ask(
            region, "OPTIONS", "/api/v1/collection/",
            f"Origin: {origin}\r\nAccess-Control-Request-Method: POST\r\n")
        assert (status, body) == (400, b"Disallowed CORS origin")
        assert "access-control-allow-origin" not in fields
    assert ask(region, "OPTIONS", IS_ETEBASE, "Origin: https://a\r\n")[0] == 405


def test_cors_fields_are_on_every_reply(region):
    origin = "Origin: http://localhost:8080\r\n"
    for method, path, expected in (("GET", IS_ETEBASE, 200), ("GET", "/nothing/", 404),
                                   ("GET", "/api/v1/collection/", 401), ("PUT", IS_ETEBASE, 405),
                                   ("GET", "/%zz/", 400)):
        status, fields, _ = ask(region, method, path, origin)
        assert status == expected
        assert fields["access-control-allow-origin"] == "http://localhost:8080"
        assert fields["vary"] == "Origin"
    with Wire(region) as wire:  # also where the body is at fault
        wire.send("POST /api/v1/authentication/login/ HTTP/1.1\r\nHost: h\r\n" + origin
                  + "Content-Type: application/msgpack\r\nTransfer-Encoding: chunked\r\n\r\nX")
        status, fields, _ = wire.read()
        assert (status, fields["access-control-allow-origin"]) == (400, "http://localhost:8080")
    assert "vary" not in ask(region, "GET", IS_ETEBASE, "Origin: null\r\n")[1]


# --- connections ------------------------------------------------------------------


def test_a_connection_serves_many_requests(region):
    with Wire(region) as wire:
        for _ in range(5):
            assert wire.ask("GET", IS_ETEBASE)[0] == 200
            assert wire.ask("GET", "/nothing/")[0] == 404
        status, fields, _ = wire.ask("GET", IS_ETEBASE, "Connection: close\r\n")
        assert (status, fields["connection"]) == (200, "close")
        assert wire.ended()


def test_requests_sent_ahead_are_answered_in_order(region):
    person = new_person(region.url)
    collection = person.create_collection()
    requests, expected = b"", []
    for index in range(200):
        if index % 10 == 5:  # a write among reads
            body = msgpack.packb({"items": [item()]})
            requests += (f"POST /api/v1/collection/{collection}/item/batch/ HTTP/1.1\r\n"
                         f"Host: h\r\nContent-Type: application/msgpack\r\n{authorized(person)}"
                         f"Content-Length: {len(body)}\r\n\r\n").encode() + body
            expected.append(200)
        elif index % 3 == 0:
            requests += b"GET /nothing/ HTTP/1.1\r\nHost: h\r\n\r\n"
            expected.append(404)
        else:
            requests += f"GET {IS_ETEBASE} HTTP/1.1\r\nHost: h\r\n\r\n".encode()
            expected.append(200)
    with Wire(region) as wire:
        threading.Thread(target=wire.send, args=(requests,)).start()
        assert [wire.read()[0] for _ in expected] == expected
    assert len(person.items(collection)) == 20


def test_bytes_may_come_one_by_one(region):
    with Wire(region) as wire:
        wire.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in f"GET {IS_ETEBASE} HTTP/1.1\r\nHost: h\r\n\r\n".encode():
            wire.send(bytes([byte]))
        assert wire.read()[0] == 200


def test_old_http_is_answered_and_closed(region):
    with Wire(region) as wire:
        wire.send(f"GET {IS_ETEBASE} HTTP/1.0\r\n\r\n")
        status, fields, _ = wire.read()
        assert (status, fields["connection"]) == (200, "close")
        assert wire.ended()


def test_chunked_bodies(region):
    person = new_person(region.url)
    collection, chunk_uid = person.create_collection(), uid(32)
    data = os.urandom(300_000)
    with Wire(region) as wire:
        wire.send(f"PUT /api/v1/collection/{collection}/item/{uid()}/chunk/{chunk_uid}/ HTTP/1.1"
                  f"\r\nHost: h\r\nTransfer-Encoding: chunked\r\n{authorized(person)}\r\n")
        for start in range(0, len(data), 70_001):
            part = data[start:start + 70_001]
            wire.send(f"{len(part):X};name=value\r\n".encode() + part + b"\r\n")
        wire.send("0\r\nTrailer: value\r\n\r\n")
        assert wire.read()[0] == 201
        assert wire.ask("GET", IS_ETEBASE)[0] == 200
    assert person.get_chunk(collection, chunk_uid) == data


def test_continue_is_said_only_to_those_who_may(region):
    person = new_person(region.url)
    collection = person.create_collection()

    def begin(wire, who, expect="Expect: 100-continue\r\n"):
        wire.send(f"PUT /api/v1/collection/{collection}/item/{uid()}/chunk/{uid(32)}/ HTTP/1.1"
                  f"\r\nHost: h\r\nContent-Length: 5\r\n{expect}{who}\r\n")

    with Wire(region) as wire:
        begin(wire, authorized(person))
        assert wire.read() == (100, {}, b"")
        wire.send("hello")
        assert wire.read()[0] == 201
        assert wire.ask("GET", IS_ETEBASE)[0] == 200
    with Wire(region) as wire:
        begin(wire, "")
        status, fields, _ = wire.read()
        assert (status, fields["connection"]) == (401, "close")
        assert wire.ended()
    with Wire(region) as wire:
        begin(wire, authorized(person), "Expect: miracles\r\n")
        assert wire.read()[0] == 417


def test_a_refused_short_body_does_not_cost_the_connection(region):
    with Wire(region) as wire:
        status, fields, _ = wire.ask("POST", "/api/v1/collection/", body=b"x" * 5000)
        assert status == 401 and "connection" not in fields
        assert wire.ask("GET", IS_ETEBASE)[0] == 200


def test_smuggled_requests_are_not_served(region):
    for fields, body in (
            ("Content-Length: 4\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"),
            ("Content-Length: 0\r\nContent-Length: 44\r\n", ""),
            ("Transfer-Encoding: chunked, identity\r\n", "0\r\n\r\n"),
            ("Transfer-Encoding:\x0bchunked\r\n", "0\r\n\r\n"),
            ("X: y\n", ""), (" folded: x\r\n", "")):
        with Wire(region) as wire:
            wire.send(f"POST {IS_ETEBASE} HTTP/1.1\r\nHost: h\r\n{fields}\r\n{body}"
                      f"GET {IS_ETEBASE} HTTP/1.1\r\nHost: h\r\n\r\n")
            status, reply, _ = wire.read()
            assert status in (400, 501) and reply["connection"] == "close"
            assert wire.ended()


def test_the_client_may_die_while_its_write_runs(region):
    person = new_person(region.url)
    collection = person.create_collection()
    body = msgpack.packb({"items": [item(chunks=[chunk(200_000)])]})
    for _ in range(30):
        with Wire(region) as wire:
            wire.send(f"POST /api/v1/collection/{collection}/item/batch/ HTTP/1.1\r\nHost: h\r\n"
                      f"Content-Type: application/msgpack\r\n{authorized(person)}"
                      f"Content-Length: {len(body)}\r\n\r\n".encode() + body)
            linger = b"\1\0\0\0\0\0\0\0"  # a reset, not an end
            wire.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    assert len(person.items(collection)) <= 1
    assert ask(region, "GET", IS_ETEBASE)[0] == 200


def test_a_large_reply_to_a_slow_reader_is_whole(region):
    person = new_person(region.url)
    collection = person.create_collection()
    piece = chunk(16 << 20)  # more than the sockets hold
    person.put_chunk(collection, *piece)
    with Wire(region) as wire:
        wire.send(f"GET /api/v1/collection/{collection}/item/{uid()}/chunk/{piece[0]}/download/ "
                  f"HTTP/1.1\r\nHost: h\r\n{authorized(person)}\r\n")
        time.sleep(0.3)
        assert Client(region.url).get(IS_ETEBASE) == b""  # nobody else waits meanwhile
        assert wire.read()[2] == piece[1]
        assert wire.ask("GET", IS_ETEBASE)[0] == 200


# --- limits -------------------------------------------------------------------------


def test_sizes_are_limited(make_region):
    region = make_region(settings={
        "limit_header_bytes": 2048, "limit_header_fields": 10, "limit_body_bytes": 20_000,
        "limit_chunk_bytes": 10_000, "limit_open_body_bytes": 1024,
        "limit_body_memory_bytes": 1 << 20})
    person = new_person(region.url)
    collection = person.create_collection()

    def put(size, send_body=True):
        with Wire(region) as wire:
            wire.send(f"PUT /api/v1/collection/{collection}/item/{uid()}/chunk/{uid(32)}/ "
                      f"HTTP/1.1\r\nHost: h\r\nContent-Length: {size}\r\n{authorized(person)}\r\n")
            if send_body:
                try:
                    wire.send(b"x" * size)
                except ConnectionError:
                    pass
            return wire.read()

    assert put(10_000)[0] == 201
    assert put(10_001)[0] == 413
    status, fields, body = put(70_000, send_body=False)
    assert (status, body["code"], fields["connection"]) == (413, "too_large", "close")
    assert put(50_000_000)[0] == 413  # the reply arrives although much is on its way
    with Wire(region) as wire:
        wire.send(f"PUT /api/v1/collection/{collection}/item/{uid()}/chunk/{uid(32)}/ HTTP/1.1\r\n"
                  f"Host: h\r\nTransfer-Encoding: chunked\r\n{authorized(person)}\r\n"
                  f"1770\r\n{'x' * 6000}\r\n1770\r\n")
        status, _, body = wire.read()
        assert (status, body["code"]) == (413, "too_large")
    with pytest.raises(Refused) as refused:
        person.batch(collection, [item(chunks=[chunk(20_000)])])
    assert refused.value.status == 413
    with pytest.raises(Refused) as refused:
        Client(region.url).post("/api/v1/authentication/login/", {"response": b"x" * 2000})
    assert refused.value.status == 413
    assert ask(region, "GET", IS_ETEBASE, "X: " + "x" * 2048 + "\r\n")[0] == 431
    assert ask(region, "GET", IS_ETEBASE, "X: y\r\n" * 10)[0] == 431
    assert ask(region, "GET", IS_ETEBASE, "X: y\r\n" * 9)[0] == 200
    assert ask(region, "GET", "/" + "x" * 3000)[0] == 431


def test_slow_clients_are_let_go(make_region):
    region = make_region(settings={"limit_header_seconds": 1, "limit_idle_seconds": 2,
                                   "limit_body_rate": 1000})
    person = new_person(region.url)
    collection = person.create_collection()
    with Wire(region) as head, Wire(region) as idle, Wire(region) as used, Wire(region) as body:
        started = time.monotonic()
        assert used.ask("GET", IS_ETEBASE)[0] == 200
        head.send("GET / HTTP/1.1\r\nHost")
        body.send(f"PUT /api/v1/collection/{collection}/item/{uid()}/chunk/{uid(32)}/ HTTP/1.1\r\n"
                  f"Host: h\r\nContent-Length: 100000\r\n{authorized(person)}\r\nslow")
        status, fields, reply = head.read()
        assert (status, reply["code"]) == (408, "request_timeout")
        assert fields["connection"] == "close" and head.ended()
        # Upwards they only have to differ from the limits that hold unless set: 10 s, 75 s.
        assert 0.7 < time.monotonic() - started < 9
        assert idle.ended() and used.ended()
        assert 1.7 < time.monotonic() - started < 30
        assert body.read()[0] == 408
        assert time.monotonic() - started < 30


def test_connections_over_the_limit_wait(make_region):
    region = make_region(settings={"limit_connections": 3, "limit_idle_seconds": 600})
    wires = [Wire(region) for _ in range(3)]
    for wire in wires:
        assert wire.ask("GET", IS_ETEBASE)[0] == 200
    with Wire(region, timeout=0.5) as waiting:
        waiting.send(f"GET {IS_ETEBASE} HTTP/1.1\r\nHost: h\r\n\r\n")
        with pytest.raises(TimeoutError):
            waiting.socket.recv(1)
        wires.pop().__exit__()
        waiting.socket.settimeout(30)
        assert waiting.socket.recv(12) == b"HTTP/1.1 200"
    for wire in wires:
        wire.__exit__()


def test_memory_for_bodies_is_limited(make_region):
    region = make_region(settings={"limit_body_bytes": 1 << 20,
                                   "limit_body_memory_bytes": 1 << 20})
    person = new_person(region.url)
    collection = person.create_collection()

    def begin(wire):
        wire.send(f"PUT /api/v1/collection/{collection}/item/{uid()}/chunk/{uid(32)}/ HTTP/1.1\r\n"
                  f"Host: h\r\nContent-Length: 700000\r\n{authorized(person)}"
                  "Expect: 100-continue\r\n\r\n")
        return wire.read()

    with Wire(region) as first, Wire(region) as second:
        assert begin(first)[0] == 100
        status, fields, body = begin(second)
        assert (status, body["code"]) == (503, "unavailable")
        assert int(fields["retry-after"]) >= 1
        first.send(b"x" * 700_000)
        assert first.read()[0] == 201
    with Wire(region) as third:
        assert begin(third)[0] == 100


# --- the daemon -----------------------------------------------------------------------


def test_a_graceful_stop_finishes_a_request(region):
    person = new_person(region.url)
    collection, chunk_uid = person.create_collection(), uid(32)
    data = os.urandom(200_000)
    with Wire(region) as wire, Wire(region) as idle:
        assert idle.ask("GET", IS_ETEBASE)[0] == 200
        wire.send(f"PUT /api/v1/collection/{collection}/item/{uid()}/chunk/{chunk_uid}/ HTTP/1.1\r\n"
                  f"Host: h\r\nContent-Length: {len(data)}\r\n{authorized(person)}\r\n")
        wire.send(data[:1000])
        time.sleep(0.1)
        region.process.send_signal(signal.SIGTERM)
        assert idle.ended()
        with pytest.raises(ConnectionRefusedError):
            for _ in range(100):
                Wire(region).__exit__()
                time.sleep(0.02)
        assert region.process.poll() is None
        wire.send(data[1000:])
        status, fields, _ = wire.read()
        assert (status, fields["connection"]) == (201, "close")
        assert wire.ended()
    assert region.process.wait(30) == 0
    region.process = None
    region.start()
    person.close()
    assert person.get_chunk(collection, chunk_uid) == data


def test_stopping_is_bounded_and_a_second_signal_does_not_wait(make_region):
    region = make_region(settings={"limit_stop_seconds": 1})
    with Wire(region) as wire:
        wire.send("GET / HTTP/1.1\r\n")
        time.sleep(0.1)
        started = time.monotonic()
        assert region.stop() == 0
        assert 0.8 < time.monotonic() - started < 9  # unless set it is 10
    region.settings["limit_stop_seconds"] = 600
    region.start()
    with Wire(region) as wire:
        wire.send("GET / HTTP/1.1\r\n")
        time.sleep(0.1)
        region.process.send_signal(signal.SIGINT)
        time.sleep(0.2)
        assert region.process.poll() is None
        region.process.send_signal(signal.SIGINT)
        assert region.process.wait(30) == 1
        region.process = None


def test_it_comes_back_after_kill_9(region):
    person = new_person(region.url, "ana")
    collection = person.create_collection()
    key = (region.data / "region.key").read_bytes()
    region.kill9()
    region.start()
    person.close()
    assert [c["item"]["uid"] for c in person.collections()] == [collection]
    again = Client(region.url)
    again.login("ana", person.login_key)
    assert (region.data / "region.key").read_bytes() == key


def test_the_log_tells_nothing_about_people(make_region):
    region = make_region()
    markers = ["MarkerName", "marker.mail@example.org", "MarkerDevice", "MarkerToken"]
    person = Client(region.url)
    person.signup(markers[0].lower(), markers[1], device=markers[2])
    person.consent("any")
    piece = chunk(1000)
    collection = person.create_collection()
    row = item(chunks=[piece])
    person.batch(collection, [row])
    person.get(person.path(collection, f"item/{row['uid']}/"))
    person.get_chunk(collection, piece[0])
    stoken = person.collections() and person.stoken
    ask(region, "GET", f"/MarkerPath/?MarkerQuery={markers[3]}", f"Authorization: Token {markers[3]}\r\n"
        "Host2: MarkerHost\r\nUser-Agent: MarkerAgent\r\nOrigin: https://marker.origin\r\n")
    with Wire(region) as wire:
        wire.send("MarkerMethod /\x01 HTTP/1.1\r\n\r\n")
        wire.read()
    person.logout()
    region.stop()
    text = region.log.lower()
    for secret in (*markers, "marker", person.token or "", collection, row["uid"], stoken, piece[0],
                   row["content"]["uid"]):
        assert not secret or secret.lower() not in text
    lines = [line for line in region.log.splitlines() if line.startswith("time=")]
    assert len(lines) >= 11
    pattern = re.compile(r"time=\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z op=[a-z_]+ status=\d{3} "
                         r"in=\d+ out=\d+ us=\d+ loop=\d+")
    for line in lines:
        assert pattern.fullmatch(line), line
    assert any("op=item_batch status=200" in line for line in lines)
    assert any("op=none status=404" in line for line in lines)


def test_the_log_may_be_a_file_and_is_reopened(make_region, tmp_path):
    log = tmp_path / "requests.log"
    region = make_region(settings={"log": log})
    assert ask(region, "GET", IS_ETEBASE)[0] == 200

    def wait_for(happened):
        for _ in range(1500):
            if happened():
                return
            time.sleep(0.02)
        raise AssertionError("it did not happen in thirty seconds")

    wait_for(lambda: "status=200" in log.read_text())  # lines follow the replies
    log.rename(tmp_path / "old.log")
    region.process.send_signal(signal.SIGHUP)
    wait_for(log.exists)
    time.sleep(0.05)
    assert ask(region, "GET", "/nothing/")[0] == 404
    region.stop()
    assert "status=200" in (tmp_path / "old.log").read_text()
    assert "status=404" in log.read_text() and "status=200" not in log.read_text()
    assert "time=" not in region.log


def test_tls_versions_protocol_and_tickets(tls_region):
    context = tls_region.client_context()
    context.set_alpn_protocols(["spdy/1", "http/1.1"])

    def connect(context, session=None):
        raw = socket.create_connection(("127.0.0.1", tls_region.port), timeout=10)
        wire = context.wrap_socket(raw, server_hostname="localhost", session=session)
        wire.sendall(f"GET {IS_ETEBASE} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n".encode())
        reply = b""
        while part := wire.recv(4096):
            reply += part
        assert reply.startswith(b"HTTP/1.1 200 ")
        return wire

    first = connect(context)
    assert (first.version(), first.selected_alpn_protocol()) == ("TLSv1.3", "http/1.1")
    assert connect(context, first.session).session_reused
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    assert connect(context).version() == "TLSv1.2"
    context = tls_region.client_context()
    context.set_alpn_protocols(["spdy/1"])
    with pytest.raises(ssl.SSLError):
        connect(context)
    # Plain HTTP and noise at the TLS port end; the server lives on.
    for noise in (b"GET / HTTP/1.1\r\n\r\n", os.urandom(500), b""):
        with Wire(tls_region) as wire:
            wire.send(noise)
    connect(tls_region.client_context())


def test_a_unix_socket_for_a_proxy(make_region, tmp_path):
    path = tmp_path / "http.sock"
    region = make_region(settings={"listen": f"unix:{path}", "path_prefix": "/sync/"})
    for _ in range(2):  # a socket left over from a killed server is replaced
        assert path.stat().st_mode & 0o777 == 0o660
        wire = socket.socket(socket.AF_UNIX)
        wire.connect(str(path))
        wire.sendall(f"GET /sync{IS_ETEBASE} HTTP/1.1\r\nHost: h\r\n\r\n".encode())
        assert wire.recv(100).startswith(b"HTTP/1.1 200 ")
        wire.close()
        region.kill9()
        region.start()
    region.stop()
    assert not path.exists()


def test_the_region_key_is_guarded(make_region):
    region = make_region()
    key = region.data / "region.key"
    assert key.stat().st_mode & 0o777 == 0o600 and key.stat().st_size == 32
    assert region.data.stat().st_mode & 0o777 == 0o700
    region.stop()
    kept = key.read_bytes()

    def refused():
        process = subprocess.run([domiciled_path(), "-c", str(region.configuration)], timeout=10,
                                 capture_output=True, text=True, check=False)
        assert process.returncode == 1
        return process.stderr

    key.chmod(0o640)
    assert "chmod 600" in refused()
    key.chmod(0o600)
    key.write_bytes(b"short")
    assert "32 bytes" in refused()
    key.unlink()
    assert "backup" in refused()
    assert not key.exists()
    key.write_bytes(kept)
    key.chmod(0o600)
    region.start()
    assert ask(region, "GET", IS_ETEBASE)[0] == 200


def test_a_port_in_use_is_explained(region, make_region, domiciled):
    other = make_region(start=False, settings={"listen": f"127.0.0.1:{region.port}"})
    other.write_configuration()
    process = domiciled("-c", other.configuration)
    assert process.returncode == 1
    assert "another program listens there" in process.stderr
    # The same data folder twice is refused as well.
    other.settings = {**region.settings, "data": region.data, "listen": "127.0.0.1:0"}
    other.write_configuration()
    process = domiciled("-c", other.configuration)
    assert process.returncode == 1 and "ready" not in process.stderr


def test_command_line(domiciled, tmp_path):
    assert domiciled("--help").stdout.startswith("usage: domiciled")
    assert re.fullmatch(r"domiciled \d+\.\d+\.\d+\n", domiciled("--version").stdout)
    for wrong in (["--wrong"], ["word"], ["-c"]):
        assert domiciled(*wrong).returncode == 2
    process = domiciled("--check-config", "-c", tmp_path / "none")
    assert process.returncode == 2 and "cannot be read" in process.stderr


GOOD = "region = home\ndata = /tmp/x\n"


@pytest.mark.parametrize("text, said", [
    (GOOD, None),
    (GOOD + "listen = 127.0.0.1:1, [::1]:2, unix:/tmp/s\nlisten = localhost:3\n", None),
    (GOOD + "# a comment\n; another\nsignup = closed ; and one more\n\n", None),
    ("data = /tmp/x\n", '"region" is missing'),
    ("region = home\n", '"data" is missing'),
    ("region = Home\ndata = /tmp/x\n", ":1: region must be"),
    (GOOD + "singup = open\n", ':3: there is no key "singup"; did you mean "signup"?'),
    (GOOD + "limit_header_byte = 1\n", 'did you mean "limit_header_bytes"?'),
    (GOOD + "xyzzy = 1\n", ':3: there is no key "xyzzy"; domiciled.conf(5)'),
    (GOOD + "\nsignup = maybe\n", ":4: signup must be open, invitation or closed"),
    (GOOD + "session_days = 0\n", ":3: session_days must be a whole number from 1 to"),
    (GOOD + "limit_idle_seconds = 10 s\n", ":3: limit_idle_seconds must be a whole number"),
    (GOOD + "region = other\n", ":3: region is set already in line 1"),
    (GOOD + "just words\n", ':3: this line is not "key = value"'),
    (GOOD + "[section]\nsignup = open\n", ":4: "),
    (GOOD + "signup =\n", ":3: signup has no value"),
    (GOOD + "tls_key = key.pem\n", ":3: tls_key must be a path that begins with a slash"),
    (GOOD + "listen = 0.0.0.0:80\n", ":3: will not listen on 0.0.0.0:80 without TLS"),
    (GOOD + "listen = [::]:80\n", "without TLS"),
    (GOOD + "listen = [::]:443 tls\n", "tls_certificate and tls_key must be set"),
    (GOOD + "listen = 127.0.0.1\n", "is not an address to listen on"),
    (GOOD + "listen = 127.0.0.1:99999\n", "is not an address to listen on"),
    (GOOD + "listen = ::1:80\n", "is not an address to listen on"),
    (GOOD + "listen = unix:relative\n", "is not an address to listen on"),
    (GOOD + "limit_body_memory_bytes = 1048576\n", "at least limit_body_bytes"),
    (GOOD + "log = " + "x" * 300 + "\n", ":3: the line is longer than"),
])
def test_check_config(domiciled, tmp_path, text, said):
    path = tmp_path / "domiciled.conf"
    path.write_text(text)
    process = domiciled("--check-config", "-c", path)
    if said is None:
        assert (process.returncode, process.stdout) == (0, "configuration is good\n")
        assert process.stderr == ""
    else:
        assert process.returncode == 2 and said in process.stderr
        assert process.stdout == ""


def test_check_config_says_everything_at_once(domiciled, tmp_path):
    path = tmp_path / "domiciled.conf"
    path.write_text("regoin = home\nsignup = maybe\nloops = many\n")
    process = domiciled("--check-config", "-c", path)
    assert len(process.stderr.splitlines()) == 5


def test_the_sample_configuration_and_the_manual_know_every_key(domiciled, tmp_path):
    keys = set()
    for source in ("src/http/limit.c", "src/daemon/configuration.c"):
        text = (ROOT / source).read_text()
        # What only a build for other clients' tests has is in docs/HACKING.md.
        text = re.sub(r"#ifdef DOM_TEST_API.*?#endif", "", text, flags=re.S)
        keys |= set(re.findall(r'\[(?:HTTP_LIMIT|KEY)_\w+\] =\s*\{?"(\w+)"', text))
    assert len(keys) >= 26
    sample = (ROOT / "packaging/domiciled.conf").read_text()
    manual = (ROOT / "docs/man/domiciled.conf.5").read_text()
    assert set(re.findall(r"^#?(\w+) *=", sample, re.M)) == keys
    assert set(re.findall(r"^\.It Ic (\w+)", manual, re.M)) == keys
    # With every key turned on it is still good, and its limits are the standing ones.
    path = tmp_path / "domiciled.conf"
    path.write_text(re.sub(r"^#(\w+ *=)", r"\1", sample, flags=re.M))
    process = domiciled("--check-config", "-c", path)
    assert process.stdout == "configuration is good\n", process.stderr
    table = dict(re.findall(r'\{"(limit_\w+)", ([^,]+),', (ROOT / "src/http/limit.c").read_text()))
    for key, value in table.items():
        standing = str(eval(value.replace("MEBI", "(1 << 20)")))  # pylint: disable=eval-used
        assert re.search(rf"^#{key} *= {standing}$", sample, re.M), (key, standing)
        assert re.search(rf"^\.It Ic {key} = {standing}$", manual, re.M), (key, standing)


def test_regions_do_not_share_a_store(make_region, domiciled):
    region = make_region()
    region.stop()
    other = Region(region.folder, name="elsewhere")
    other.write_configuration()
    process = domiciled("-c", other.configuration)
    assert process.returncode == 1 and "another region" in process.stderr
