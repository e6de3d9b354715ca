# SPDX-License-Identifier: AGPL-3.0-or-later
"""A region that a test plays: it signs what it asks, and may take an account.

It belongs to a group like any other (Group.add), so a real source believes it.
As a target it copies nothing: what it says of its copy is what the source said.
"""
import hashlib
import http.server
import struct
import threading
import time

import msgpack
import nacl.signing

from etebase_client import Refused, string, strings_in
from regions import ROOT, loopback


class Peer:
    """name, key, address: what the group says.  asked: the requests that came, once it listens."""
    (OFFER, RECORDS, CHUNKS, FREEZE, STATUS, SWITCH, ACTIVE, ACK, DISCARD, ERASED,
     HOMES) = range(1, 12)
    PREPARE = 2  # enum wire_move_kind

    def __init__(self, name):
        self.name = name
        self.signing_key = nacl.signing.SigningKey.generate()
        self.key = bytes(self.signing_key.verify_key).hex()
        self.host = loopback()
        self.address = f"http://{self.host}:8037"
        self.asked = []
        self.server = None

    # --- asking ---------------------------------------------------------------

    def request(self, operation, to, move=bytes(16), body=b"", at=None):
        request = (string("domicile/peer/v1") + bytes([operation]) + string(self.name)
                   + string(to) + move
                   + struct.pack(">Q", time.time_ns() // 1000000 if at is None else at) + body)
        return string(request) + self.signing_key.sign(request).signature

    def ask(self, client, operation, to, change=False, **options):
        return self.send(client, self.request(operation, to, **options), change)

    @staticmethod
    def send(client, raw, change=False):
        """Again, as a region does, if the other has too much else to do."""
        for _ in range(50):
            try:
                return client.request(
                    "POST", "/domicile/v1/peer/" + ("change/" if change else ""), raw=raw,
                    headers={"Content-Type": "application/octet-stream"})
            except Refused as refused:
                if "too much else to do" not in (refused.detail or ""):
                    raise
            time.sleep(0.1)
        raise AssertionError("the region has had too much else to do for five seconds")

    # --- taking an account -------------------------------------------------------

    def listen(self, group_file=b""):
        """Say yes to every region, above all to an offer, and to people who ask for room."""
        peer = self
        answers = {
            "/domicile/v1/region/": msgpack.packb({
                "name": self.name, "release": "a test", "signup": True,
                "publicKey": bytes(self.signing_key.verify_key)}),
            "/domicile/v1/group/": group_file,
            "/domicile/v1/catalogue/": (ROOT / "packaging" / "services.json").read_bytes(),
            "/domicile/v1/moves/room/": msgpack.packb({
                "takes": True, "why": "", "now": time.time_ns() // 1000000})}

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                peer.asked.append((self.path, body))
                answer = answers.get(self.path, b"")
                self.send_response(200)
                self.send_header("Content-Type", "application/octet-stream"
                                 if self.path.endswith("group/") else "application/msgpack")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            do_GET = do_POST

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer((self.host, 8037), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def close(self):
        if self.server:
            self.server.shutdown()
            self.server.server_close()
        self.server = None

    def freeze(self, client, source, move):
        """The source's freeze and its signature."""
        answer = self.ask(client, self.FREEZE, source, change=True, move=move, body=string(b""))
        return string_at(answer, 0), string_at(answer, 1)

    def switch(self, client, source, move, freeze, signature):
        """The hand-off and its signature: we have prepared what was frozen."""
        domain, rest = cut_string(freeze)
        kind, rest = rest[:1], rest[1:]
        assert kind == b"\1"
        ids, rest = rest[:64], rest[64:]  # move, attempt, account
        names, rest = rest[:end_of_strings(rest, 2)], rest[end_of_strings(rest, 2):]
        epoch, rest = rest[:8], rest[8 + 8 + 32:]
        prepare = (string(domain) + bytes([self.PREPARE]) + ids + names + epoch
                   + struct.pack(">Q", time.time_ns() // 1000000)
                   + hashlib.sha256(freeze + signature).digest() + rest)
        body = string(prepare) + string(self.signing_key.sign(prepare).signature)
        handoff, its_signature = strings_in(
            self.ask(client, self.SWITCH, source, change=True, move=move, body=body))
        return handoff, its_signature


def cut_string(data):
    size = struct.unpack(">I", data[:4])[0]
    assert len(data) >= 4 + size
    return data[4:4 + size], data[4 + size:]


def string_at(data, index):
    for _ in range(index):
        data = cut_string(data)[1]
    return cut_string(data)[0]


def end_of_strings(data, count):
    rest = data
    for _ in range(count):
        rest = cut_string(rest)[1]
    return len(data) - len(rest)
