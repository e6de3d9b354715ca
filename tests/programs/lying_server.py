# SPDX-License-Identifier: AGPL-3.0-or-later
"""A server between a client and a real region that changes what the region answers.

liar.rule(request, reply) sees every exchange and may change the reply in place;
whatever it leaves alone passes as it is.  liar.gate(request) may answer itself.
"""
import http.client
import re
import socket
import threading
import urllib.parse

import msgpack

KINDS = (
    ("challenge", r"POST .*/login_challenge/"), ("login", r"POST .*/login/"),
    ("region", r"GET .*/region/"), ("catalogue", r"GET .*/catalogue/"),
    ("consents", r"GET .*/consents/"),
    ("statements", r"POST .*/statements/"), ("history", r"GET .*/statements/"),
    ("members", r"GET .*/member/"), ("invitations", r"GET .*/invitation/"),
    ("about", r"GET .*/collection/[^/?]+/$"), ("sessions", r"GET .*/sessions/"),
    ("chunk", r"GET .*/chunk/.*/download/"), ("put", r"PUT .*/chunk/"),
    ("revisions", r"GET .*/revision/"), ("fetch", r"POST .*/fetch_updates/"),
    ("batch", r"POST .*/batch/"), ("items", r"GET .*/item/\?"),
    ("list", r"GET .*/collection/\?"), ("create", r"POST .*/collection/$"),
)


class Request:
    def __init__(self, method, path, headers, body):
        self.method, self.path, self.headers, self.body = method, path, headers, body
        self.kind = next((kind for kind, pattern in KINDS
                          if re.match(pattern, f"{method} {path}")), "other")


class Reply:
    """status, headers and body; raw: these very bytes instead; after: what follows them."""

    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body
        self.raw = None
        self.after = None  # called with the connection, which is closed then

    @property
    def value(self):
        return msgpack.unpackb(self.body, raw=False, strict_map_key=False)

    @value.setter
    def value(self, value):
        self.body = msgpack.packb(value, use_bin_type=True)

    def bytes(self):
        if self.raw is not None:
            return self.raw
        lines = [f"HTTP/1.1 {self.status} Whatever"]
        headers = {"Content-Length": str(len(self.body)), **self.headers}
        lines += [f"{name}: {value}" for name, value in headers.items() if value is not None]
        return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + self.body


class Liar:
    def __init__(self, region):
        self.region = urllib.parse.urlsplit(region.url).netloc
        self.rule = lambda request, reply: None
        self.gate = lambda request: None  # a Reply: the region never sees the request
        self.seen = []
        self.open = set()
        self.socket = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.url = f"http://127.0.0.1:{self.socket.getsockname()[1]}"
        threading.Thread(target=self.accept, daemon=True).start()

    def close(self):
        self.socket.close()
        for connection in list(self.open):
            connection.close()

    def accept(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            self.open.add(connection)
            threading.Thread(target=self.serve, args=[connection], daemon=True).start()

    def serve(self, connection):
        behind = http.client.HTTPConnection(self.region, timeout=20)
        try:
            with connection, connection.makefile("rb") as reader:
                while self.answer(connection, reader, behind):
                    pass
        except OSError:
            pass
        finally:
            behind.close()
            self.open.discard(connection)

    def answer(self, connection, reader, behind):
        line = reader.readline().split()
        if len(line) != 3:
            return False
        headers = http.client.parse_headers(reader)
        body = reader.read(int(headers.get("Content-Length") or 0))
        request = Request(line[0].decode(), line[1].decode(), headers, body)
        self.seen.append(request)
        shut = self.gate(request)
        if shut is not None:
            connection.sendall(shut.bytes())
            return True
        passed = {name: value for name, value in headers.items()
                  if name.lower() not in ("content-length", "connection")}
        behind.request(request.method, request.path, body or None, passed)
        answer = behind.getresponse()
        kept = {name: answer.headers[name] for name in ("Content-Type", "Domicile-Position")
                if answer.headers[name] is not None}
        reply = Reply(answer.status, kept, answer.read())
        self.rule(request, reply)
        connection.sendall(reply.bytes())
        if reply.after is not None:
            reply.after(connection)
            return False
        return True
