# SPDX-License-Identifier: AGPL-3.0-or-later
"""domiciled over HTTP/2: the same replies as over HTTP/1.1, and its own limits."""
import os
import signal
import socket
import ssl
import subprocess
import time

import h2.errors
import h2.exceptions
import msgpack
import pytest

import etebase_client
import test_server_api as api
from cli_device import PASSWORD, Device
from etebase_client import Client, new_person, uid
from h2_connection import Connection
from test_server_http import IS_ETEBASE, Wire, ask

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
CALM = h2.errors.ErrorCodes.ENHANCE_YOUR_CALM
LOGIN = "/api/v1/authentication/login_challenge/"


def connect(region, **options):
    context = region.client_context() if region.tls else None
    return Connection("127.0.0.1", region.port, context=context, **options)


def alive(region):
    connection = connect(region)
    connection.request("GET", IS_ETEBASE)
    assert connection.getresponse().status == 200
    connection.close()


def as_sent(fields):
    return {line.split(": ")[0]: line.split(": ")[1] for line in fields.split("\r\n") if line}


PACKED = "Content-Type: application/msgpack\r\n"
PREFLIGHT = ("Origin: https://app.example\r\nAccess-Control-Request-Method: POST\r\n"
             "Access-Control-Request-Headers: authorization, content-type\r\n")


REQUESTS = [
    ("GET", IS_ETEBASE, "", b"", 200),
    ("HEAD", IS_ETEBASE, "", b"", 405),
    ("PUT", IS_ETEBASE, "", b"", 405),
    ("GET", "/nothing/", "", b"", 404),
    ("GET", "/%zz/", "Origin: http://a.example\r\n", b"", 400),
    ("GET", "/a#b", "", b"", 400),
    ("GET", "/api/v1/collection/", "", b"", 401),
    ("GET", "/api/v1/collection/", "Authorization: Token " + "x" * 40 + "\r\n", b"", 401),
    ("GET", "/api/v1/collection/?limit=x", "Authorization: Token a b\r\n", b"", 401),
    ("OPTIONS", "/api/v1/collection/", PREFLIGHT, b"", 200),
    ("OPTIONS", "/api/v1/collection/", PREFLIGHT.replace("https", "file"), b"", 400),
    ("POST", LOGIN, PACKED, msgpack.packb({"username": "nobody"}), 200),
    ("POST", LOGIN, PACKED, b"\xc1", 400),
    ("POST", LOGIN, PACKED, b"", 400),
    ("POST", LOGIN, "Content-Type: text/plain\r\n", b"x", 415),
    ("POST", LOGIN, PACKED, b"x" * 70000, 413),
    ("POST", LOGIN, PACKED + "Expect: a-wonder\r\n", b"x", 417),
    ("GET", IS_ETEBASE, "Domicile-Device: !\r\n", b"", 400),
    ("GET", IS_ETEBASE, "X-Long: " + "x" * 17000 + "\r\n", b"", 431),
    ("GET", IS_ETEBASE, "".join(f"X-{i}: 1\r\n" for i in range(101)), b"", 431),
    ("POST", "/api/v1/collection/c/item/subscription-ticket/", "", b"", None),
]


def test_a_reply_is_the_same_in_both_versions(region):
    connection = connect(region)
    for method, path, fields, body, expected in REQUESTS:
        status, plain, content = ask(region, method, path, fields, body,
                                     has_body=method != "HEAD")
        connection.request(method, path, body, as_sent(fields))
        reply = connection.getresponse()
        plain.pop("connection", None)
        assert expected in (status, None), (method, path)
        assert (reply.status, reply.fields) == (status, plain), (method, path)
        data = reply.read()
        if reply.fields.get("content-type") == "application/msgpack" and data:
            data = msgpack.unpackb(data)
        if path == LOGIN and status == 200:  # a challenge is new each time
            assert data.keys() == content.keys()
        else:
            assert data == content, (method, path)
    connection.close()


@pytest.mark.parametrize("test", [
    api.test_a_life_cycle_from_signup_to_logout,
    api.test_chunks_that_were_sent_ahead_are_linked,
    api.test_pages_are_complete_and_in_order,
    api.test_a_transaction_wants_the_present_etag_and_a_batch_does_not,
    api.test_withdrawal_holds_for_the_next_byte,
    api.test_strangers_see_nothing,
    api.test_many_clients_at_once,
], ids=lambda test: test.__name__[5:])
def test_the_protocol_over_tls(tls_region, monkeypatch, test):
    def over_tls(host, port, timeout):
        return Connection(host, port, timeout, tls_region.client_context())

    monkeypatch.setattr(etebase_client.http.client, "HTTPConnection", over_tls)
    tls_region.url = tls_region.url.replace("https:", "http:")  # the class, not the scheme
    test(tls_region)


def test_what_a_query_names_is_what_is_asked_for(tls_region):
    """A stream's head is gone by the time that its request runs."""
    person, other = (new_person(tls_region.url, name=name, context=tls_region.client_context())
                     for name in ("ana", "ben"))
    connection = connect(tls_region)
    reply = connection.reply(connection.start(
        "GET", "/api/v1/invitation/outgoing/fetch_user_profile/?username=ben",
        [("authorization", f"Token {person.token}")]))
    assert reply.status == 200 and other.identity_public in reply.read()
    connection.close()


def test_many_streams_at_once_each_get_their_own_reply(tls_region):
    person = new_person(tls_region.url, context=tls_region.client_context())
    collection = person.create_collection()
    connection = connect(tls_region)
    token = [("authorization", f"Token {person.token}")]
    one = uid()
    chunks = {uid(32): bytes([i]) * (20_000 + i) for i in range(60)}
    sent = {}
    for name, content in chunks.items():
        path = f"/api/v1/collection/{collection}/item/{one}/chunk/{name}/"
        stream = connection.start("PUT", path, token, end=False)
        connection.send_body(stream, content)
        sent[stream] = 201
    sent |= {connection.start("GET", path, token): status
             for path, status in ((IS_ETEBASE, 200), ("/nothing/", 404)) for _ in range(10)}
    for stream, status in sent.items():
        assert connection.reply(stream).status == status
    asked = {name: connection.start(
        "GET", f"/api/v1/collection/{collection}/item/{one}/chunk/{name}/download/", token)
             for name in chunks}
    for name, stream in asked.items():
        assert connection.reply(stream).read() == chunks[name]
    connection.close()


def test_the_log_has_a_line_for_each_stream(make_region):
    region = make_region()
    connection = connect(region)
    streams = [connection.start("GET", path) for path in (IS_ETEBASE, "/nothing/")]
    assert [connection.reply(stream).status for stream in streams] == [200, 404]
    region.stop()
    assert region.log.count("op=is_etebase status=200 ") == 1
    assert region.log.count("op=none status=404 ") == 1


# --- hostile clients ----------------------------------------------------------------


def flood(region, act, rounds=600):
    """Do it until the server says goodbye; its code."""
    connection = connect(region)
    try:
        for _ in range(rounds):
            act(connection)
            connection.flush()
        while connection.pump():
            pass
    except (ConnectionError, h2.exceptions.ProtocolError):
        while connection.goodbye is None and connection.pump():
            pass
    connection.close()
    return connection.goodbye


def test_rapid_resets_end_the_connection_and_nothing_else(region):
    def act(connection):
        stream = connection.start("GET", "/api/v1/collection/")
        connection.h2.reset_stream(stream)

    assert flood(region, act) == CALM
    alive(region)


def test_a_flood_of_pings_ends_the_connection(region):
    def act(connection):
        for _ in range(10):
            connection.h2.ping(b"12345678")

    assert flood(region, act) == CALM
    alive(region)


def frame(kind, flags, stream, payload):
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


AGAINST_THE_RULES = [
    frame(1, 0, 1, b"\x82") + frame(9, 0, 1, b"") * 10000,         # CONTINUATION without end
    frame(1, 0, 1, b"\x82") + frame(9, 0, 1, b"\x82" * 8000) * 100,
    frame(1, 4, 1, b"\x40\x7f\xff\xff\xff\xff\xff\x0f"),           # HPACK that overflows
    frame(0, 0, 1, b"data on a stream that is none"),
    frame(8, 0, 0, b"\0\0\0\0"),                                   # a window grown by 0
    frame(8, 0, 0, b"\x7f\xff\xff\xff") * 2,                       # and past its end
    frame(5, 4, 1, b"\0\0\0\2"),                                   # PUSH_PROMISE to a server
    frame(4, 0, 0, b"\0\4\xff\xff\xff\xff"),                       # SETTINGS out of range
    b"\xff" * 200,
]


def test_frames_against_the_rules_end_the_connection(region):
    for frames in AGAINST_THE_RULES:
        with Wire(region) as wire:
            try:
                wire.send(PREFACE + frame(4, 0, 0, b"") + frames)
                while wire.file.read1(65536):
                    pass
            except ConnectionError:
                pass
        alive(region)


def test_the_preface_comes_in_any_pieces(region):
    with Wire(region) as wire:
        for i in range(len(PREFACE)):
            wire.send(PREFACE[i:i + 1])
            time.sleep(0.002)
        wire.send(frame(4, 0, 0, b""))
        assert wire.file.read(9)[3] == 4  # SETTINGS
    for almost in (b"PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n", b"PRI * HTTP/2.1\r\n\r\n", b"PRO"):
        with Wire(region) as wire:
            wire.send(almost + b"\r\n\r\n")
            assert wire.read()[0] in (400, 505)
    assert ask(region, "PUT", IS_ETEBASE)[0] == 405  # begins like it, and goes on otherwise


def test_curl_understands_us(tls_region, region, tmp_path):
    body = tmp_path / "body"
    body.write_bytes(b"x" * 3_000_000)

    def curl(where, *options):
        process = subprocess.run(
            ["curl", "-sS", "-o", tmp_path / "reply", "-w", "%{http_version} %{http_code}",
             *options], capture_output=True, text=True, timeout=20, check=False)
        assert process.returncode == 0, (where, process.stderr)
        return process.stdout

    trust = ("--cacert", str(tls_region.certificate))
    assert curl("tls", *trust, tls_region.url + IS_ETEBASE) == "2 200"
    assert curl("tls", *trust, "--http1.1", tls_region.url + IS_ETEBASE) == "1.1 200"
    assert curl("plain", "--http2-prior-knowledge", region.url + IS_ETEBASE) == "2 200"
    assert curl("plain", region.url + IS_ETEBASE) == "1.1 200"
    # A reply that comes before the end of the request reaches the client.
    assert curl("413", *trust, "-H", "Content-Type: application/msgpack", "--data-binary",
                f"@{body}", tls_region.url + LOGIN) == "2 413"
    assert curl("expect", *trust, "-H", "Content-Type: application/msgpack", "-H",
                "Expect: 100-continue", "-d", "x", tls_region.url + LOGIN) == "2 422"


def test_our_client_sends_many_requests_over_one_connection(make_region, tmp_path):
    # A second connection would wait for ever, and its requests with it.
    region = make_region(tls=True, settings={"limit_connections": 1})
    device = Device(tmp_path)
    device.run("signup", "ana", "--server", region.url, "--ca", region.certificate,
               password=PASSWORD)
    device.run("on", "files", "--yes")
    folder = tmp_path / "files"
    folder.mkdir()
    for i in range(12):
        (folder / f"file{i}").write_bytes(os.urandom(300_000))
    device.run("backup", folder, timeout=30)
    restored = tmp_path / "restored"
    device.run("restore", restored, timeout=30)
    found = {path.name: path.read_bytes() for path in restored.rglob("file*")}
    assert found == {path.name: path.read_bytes() for path in folder.iterdir()}


# --- stop, certificates ----------------------------------------------------------------


def test_a_stop_lets_streams_end(make_region):
    region = make_region()
    person = new_person(region.url)
    collection = person.create_collection()
    connection, idle = connect(region), connect(region)
    idle.request("GET", IS_ETEBASE)
    idle.getresponse()
    stream = connection.start(
        "PUT", f"/api/v1/collection/{collection}/item/{uid()}/chunk/{uid(32)}/",
        [("authorization", f"Token {person.token}")], end=False)
    connection.send_body(stream, b"first half ", end=False)
    connection.h2.ping(b"12345678")
    connection.flush()
    while not connection.pongs:  # it has the head by now
        assert connection.pump()
    region.process.send_signal(signal.SIGTERM)
    while connection.goodbye is None:
        assert connection.pump()
    assert connection.goodbye == 0
    while idle.pump():
        pass
    assert idle.goodbye == 0
    # python3-h2 sends nothing after a GOAWAY, so these frames are our own.
    connection.socket.sendall(frame(0, 1, stream, b"second half"))
    reply = b""
    connection.socket.settimeout(10)
    while part := connection.socket.recv(65536):
        reply += part
    assert reply[3] == 1 and reply[5:9] == stream.to_bytes(4, "big")  # its HEADERS
    assert region.process.wait(10) == 0
    assert "op=chunk_put status=201 " in region.log
    region.process = None


def test_sighup_brings_a_new_certificate_and_drops_nobody(make_region):
    region = make_region(tls=True)

    def serial(connection):
        return ssl.PEM_cert_to_DER_cert(
            ssl.DER_cert_to_PEM_cert(connection.socket.getpeercert(binary_form=True)))

    kept = connect(region)
    old = serial(kept)
    region.make_certificate()
    region.process.send_signal(signal.SIGHUP)

    def new_comer():
        connection = connect(region)
        seen = serial(connection)
        connection.request("GET", IS_ETEBASE)
        assert connection.getresponse().status == 200
        connection.close()
        return seen

    def trusted():
        try:
            return new_comer() != old
        except ssl.SSLError:  # still the old one, which the new file does not trust
            return False

    give_up = time.monotonic() + 30
    while not trusted():
        assert time.monotonic() < give_up
        time.sleep(0.02)
    kept.request("GET", IS_ETEBASE)
    assert kept.getresponse().status == 200
    # A certificate that is none is refused in words, and the one in use stays.
    good = new_comer()
    region.certificate.rename(region.folder / "good.pem")
    region.certificate.write_text("no certificate")
    region.process.send_signal(signal.SIGHUP)
    while "goes on with the one it has" not in region.log:
        assert time.monotonic() < give_up + 5
        time.sleep(0.02)
    (region.folder / "good.pem").rename(region.certificate)
    assert new_comer() == good


def test_tls_13_sessions_resume_over_http2(tls_region):
    context = tls_region.client_context()
    context.set_alpn_protocols(["h2"])

    def visit(session=None):
        raw = socket.create_connection(("127.0.0.1", tls_region.port), timeout=10)
        wire = context.wrap_socket(raw, server_hostname="localhost", session=session)
        wire.sendall(PREFACE + frame(4, 0, 0, b""))
        assert wire.recv(9)[3] == 4
        assert (wire.version(), wire.selected_alpn_protocol()) == ("TLSv1.3", "h2")
        seen = wire.session, wire.session_reused
        wire.close()
        return seen

    session, reused = visit()
    assert not reused
    assert visit(session)[1]
