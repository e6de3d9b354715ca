# SPDX-License-Identifier: AGPL-3.0-or-later
"""A small WebSocket client for tests (RFC 6455): one that can also misbehave."""
import base64
import hashlib
import os
import socket
import struct
import time
import urllib.parse

import msgpack

BINARY, CLOSE, PING, PONG = 2, 8, 9, 10
GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class NotUpgraded(Exception):
    """The server answered something else than 101."""

    def __init__(self, status, head, body):
        self.status, self.head = status, head
        self.body = msgpack.unpackb(body) if body else {}
        super().__init__(f"{status} {self.body}")


class Closed(Exception):
    """The server closed; code is None if it only hung up; words may be empty."""

    def __init__(self, code, words=""):
        self.code, self.words = code, words
        super().__init__(f"closed with {code}")


class WebSocket:
    def __init__(self, url, path, query=None, headers=None, context=None, timeout=15,
                 receive_buffer=None, behind=b""):
        parts = urllib.parse.urlsplit(url)
        if query:
            path += "?" + urllib.parse.urlencode(query)
        self.socket = socket.socket()
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(timeout)
        self.socket.connect((parts.hostname, parts.port))
        if context:
            self.socket = context.wrap_socket(self.socket, server_hostname=parts.hostname)
        key = base64.b64encode(os.urandom(16))
        fields = {"Host": parts.netloc, "Upgrade": "websocket", "Connection": "Upgrade",
                  "Sec-WebSocket-Key": key.decode(), "Sec-WebSocket-Version": "13",
                  **(headers or {})}
        head = f"GET {path} HTTP/1.1\r\n" + "".join(
            f"{name}: {value}\r\n" for name, value in fields.items() if value is not None)
        self.socket.sendall(head.encode() + b"\r\n" + behind)
        self.pending = b""
        self.pings = 0
        self.answers_pings = True
        self.read_head(key)

    def read_head(self, key):
        while b"\r\n\r\n" not in self.pending:
            self.pending += self.take()
        head, self.pending = self.pending.split(b"\r\n\r\n", 1)
        lines = head.decode().split("\r\n")
        fields = dict(line.lower().split(": ", 1) for line in lines[1:])
        status = int(lines[0].split()[1])
        if status != 101:
            body = self.exactly(int(fields.get("content-length", 0)))
            self.socket.close()
            raise NotUpgraded(status, fields, body)
        assert fields["upgrade"] == "websocket" and fields["connection"] == "upgrade"
        accept = base64.b64encode(hashlib.sha1(key + GUID).digest()).decode().lower()
        assert fields["sec-websocket-accept"] == accept
        assert "content-length" not in fields

    def take(self):
        data = self.socket.recv(65536)
        if not data:
            raise Closed(None)
        return data

    def exactly(self, size):
        while len(self.pending) < size:
            self.pending += self.take()
        data, self.pending = self.pending[:size], self.pending[size:]
        return data

    def frame(self):
        first, size = self.exactly(2)
        assert first & 0xf0 == 0x80, "whole frames without extensions"
        assert size < 128, "a server does not mask"
        if size == 126:
            (size,) = struct.unpack(">H", self.exactly(2))
            assert size > 125
        elif size == 127:
            (size,) = struct.unpack(">Q", self.exactly(8))
            assert size > 65535
        return first & 15, self.exactly(size)

    def send(self, opcode, payload=b"", first=None, masked=True):
        mask = os.urandom(4) if masked else b""
        head = bytes([first if first is not None else 0x80 | opcode])
        flag = 0x80 if masked else 0
        if len(payload) < 126:
            head += bytes([flag | len(payload)])
        else:
            head += bytes([flag | 126]) + struct.pack(">H", len(payload))
        if masked:
            payload = bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))
        self.socket.sendall(head + mask + payload)

    def message(self):
        """The next message; answers pings on the way."""
        while True:
            opcode, payload = self.frame()
            if opcode == BINARY:
                self.size = len(payload)
                return msgpack.unpackb(payload, strict_map_key=True)
            if opcode == PING:
                self.pings += 1
                if self.answers_pings:
                    self.send(PONG, payload)
            elif opcode == CLOSE:
                code = struct.unpack(">H", payload[:2])[0] if payload else None
                try:
                    self.send(CLOSE, payload[:2])
                except OSError:
                    pass
                raise Closed(code, payload[2:].decode())

    def is_quiet(self, seconds=0.3):
        """Pings aside, nothing comes for so long."""
        until = time.monotonic() + seconds
        try:
            while (left := until - time.monotonic()) > 0:
                self.socket.settimeout(left)
                if not self.pending:
                    self.pending += self.take()
                self.socket.settimeout(15)
                opcode, payload = self.frame()
                assert opcode == PING, f"not quiet: {opcode} {payload[:100]}"
                self.pings += 1
                if self.answers_pings:
                    self.send(PONG, payload)
        except TimeoutError:
            pass
        finally:
            self.socket.settimeout(15)
        return True

    def close_code(self):
        """Read on until the server closes."""
        return self.close_reason()[0]

    def close_reason(self):
        """The same, with its words."""
        try:
            while True:
                self.message()
        except Closed as closed:
            return closed.code, closed.words
        except ConnectionResetError:
            return None, ""

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
