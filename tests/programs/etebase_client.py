# SPDX-License-Identifier: AGPL-3.0-or-later
"""A small Etebase client for tests, from etebase-protocol chapters 2 to 5.

It does what the wire asks of a client and keeps content opaque: ciphertext is
random bytes, keys that the server never sees do not exist.  Statements are
those of src/wire/statement.h.
"""
import base64
import hashlib
import http.client
import json
import os
import struct
import time
import urllib.parse

import msgpack
import nacl.signing


class Refused(Exception):
    """The server said no: status, code, detail and errors of the reply."""

    def __init__(self, status, body):
        self.status = status
        reply = body if isinstance(body, dict) else {}
        self.body = reply
        self.code = reply.get("code")
        self.detail = reply.get("detail")
        self.errors = reply.get("errors")
        super().__init__(f"{status} {self.code}: {self.detail}")


def uid(size=24):
    return base64.urlsafe_b64encode(os.urandom(size)).rstrip(b"=").decode()


def string(data):
    data = data.encode() if isinstance(data, str) else data
    return struct.pack(">I", len(data)) + data


def revision(chunks=(), deleted=False, meta=None):
    """chunks: pairs of uid and content, or None for content that is there already."""
    return {"uid": uid(16), "meta": meta or os.urandom(40), "deleted": deleted,
            "chunks": [list(chunk) for chunk in chunks]}


def item(item_uid=None, etag=None, **content):
    return {"uid": item_uid or uid(), "version": 1, "encryptionKey": None,
            "content": revision(**content), "etag": etag}


def chunk(size):
    return uid(32), os.urandom(size)


def clock_of(position):
    """The owner's clock after a write, from Domicile-Position (src/wire/stoken.h)."""
    after = position.split()[1]
    raw = base64.urlsafe_b64decode(after + "=" * (-len(after) % 4))
    assert raw[0] == 1 and len(raw) == 1 + 16 + 8 + 4
    return struct.unpack(">Q", raw[17:25])[0]


def terms_of(entry):
    """The digest of what a person agrees to, as docs/catalogue.md says."""
    return hashlib.sha256(b"".join(map(string, (
        "domicile/terms/v1", entry["name"], entry["purpose"]))) + strings(entry["dataClasses"])
        + b"".join(string(entry.get(key, "")) for key in ("retention", "minimum", "law"))
        + struct.pack(">I", len(entry["readers"]))
        + b"".join(string(reader["who"]) + string(reader["what"])
                   for reader in entry["readers"])).digest()


def strings(texts):
    return struct.pack(">I", len(texts)) + b"".join(map(string, texts))


def strings_in(data):
    found = []
    while data:
        size = struct.unpack(">I", data[:4])[0]
        assert len(data) >= 4 + size
        found.append(data[4:4 + size])
        data = data[4 + size:]
    return found


class Handoff:
    """What src/wire/move.h says of a hand-off."""

    def __init__(self, data):
        at = 4 + len("domicile/move/v1")
        assert data[:at] == string("domicile/move/v1") and data[at] == 4
        at += 1
        self.move, self.attempt, self.account = data[at:at + 16], data[at + 16:at + 32], data[at + 32:at + 64]
        at += 64
        names = []
        for _ in range(2):
            size, = struct.unpack_from(">I", data, at)
            names.append(data[at + 4:at + 4 + size].decode())
            at += 4 + size
        self.source, self.target = names
        self.epoch, self.at_ms = struct.unpack_from(">QQ", data, at)
        at += 16 + 32
        self.clock, = struct.unpack_from(">Q", data, at)
        self.root = data[at + 8:at + 40]
        self.counts = struct.unpack_from(">5Q", data, at + 40)
        assert len(data) == at + 80


class Client:
    def __init__(self, url, prefix="", context=None, timeout=30):
        parts = urllib.parse.urlsplit(url)
        self.host = parts.hostname
        self.netloc = parts.netloc
        self.prefix = prefix
        make = {"http": http.client.HTTPConnection,
                "https": http.client.HTTPSConnection}[parts.scheme]
        options = {"context": context} if parts.scheme == "https" else {}
        self.connection = make(parts.hostname, parts.port, timeout=timeout, **options)
        self.token = None
        self.position = None
        self.reply = None

    def close(self):
        self.connection.close()

    def request(self, method, path, body=None, raw=None, query=None, headers=None):
        """The decoded body of a success; Refused otherwise."""
        fields = {"Content-Type": "application/msgpack", "Accept": "application/msgpack"}
        if self.token:
            fields["Authorization"] = f"Token {self.token}"
        fields.update(headers or {})
        if body is not None:
            raw = msgpack.packb(body)
        if query:
            path += "?" + urllib.parse.urlencode(query)
        self.connection.request(method, self.prefix + path, raw, fields)
        self.reply = self.connection.getresponse()
        data = self.reply.read()
        self.position = self.reply.headers.get("Domicile-Position")
        if self.reply.headers.get("Content-Type") == "application/msgpack" and data:
            data = msgpack.unpackb(data, strict_map_key=True)
        if self.reply.status >= 300:
            raise Refused(self.reply.status, data)
        return data

    def get(self, path, **query):
        return self.request("GET", path, query=query)

    def post(self, path, body=None, **query):
        return self.request("POST", path, body, query=query)

    # --- accounts -----------------------------------------------------------

    def signup(self, name, email="", device=None, invitation=None):
        self.name = name
        self.login_key = nacl.signing.SigningKey.generate()
        self.identity_public = os.urandom(32)
        headers = {}
        if device is not None:
            headers["Domicile-Device"] = (
                base64.urlsafe_b64encode(device.encode()).rstrip(b"=").decode())
        reply = self.request("POST", "/api/v1/authentication/signup/", {
            "user": {"username": name, "email": email},
            "salt": os.urandom(32),
            "loginPubkey": bytes(self.login_key.verify_key),
            "pubkey": self.identity_public,
            "encryptedContent": os.urandom(104),
            **({} if invitation is None else {"invitation": invitation})}, headers=headers)
        self.token = reply["token"]
        return reply

    def signed_response(self, name, action, key=None, **more):
        challenge = self.post("/api/v1/authentication/login_challenge/", {"username": name})
        response = msgpack.packb({"username": name, "challenge": challenge["challenge"],
                                  "host": self.netloc, "action": action, **more})
        signature = (key or self.login_key).sign(response).signature
        return {"response": response, "signature": signature}

    def login(self, name, login_key):
        self.name, self.login_key = name, login_key
        reply = self.post("/api/v1/authentication/login/",
                          self.signed_response(name, "login", login_key))
        self.token = reply["token"]
        self.identity_public = reply["user"]["pubkey"]
        return reply

    def logout(self):
        self.post("/api/v1/authentication/logout/")
        self.token = None

    # --- consent ------------------------------------------------------------

    def register_statement_key(self):
        self.statement_key = nacl.signing.SigningKey.generate()
        public = bytes(self.statement_key.verify_key)
        response = (string("domicile/statement-key/v1") + string(self.identity_public)
                    + string(public))
        self.request("PUT", "/domicile/v1/statement-key/", {
            "pubkey": public, "response": response,
            "signature": self.login_key.sign(response).signature})
        self.serial = 0

    def state(self, statement):
        """The subject that names it from then on."""
        signature = self.statement_key.sign(statement).signature
        self.post("/domicile/v1/statements/", {
            "statement": statement, "signature": signature})
        self.serial += 1
        return hashlib.sha256(string("domicile/subject/v1") + b"".join(map(string, (
            bytes(self.statement_key.verify_key), statement, signature)))).digest()

    def statement_head(self, kind, region, service="", version=2):
        return (string(f"domicile/{kind}/v{version}") + self.identity_public + os.urandom(16)
                + struct.pack(">QQ", self.serial + 1, time.time_ns() // 1000000)
                + string(region) + string(service))

    def consent(self, service="any", types=(), region="home"):
        """Turn a service on; with a statement key made on the first time."""
        if not hasattr(self, "statement_key"):
            self.register_statement_key()
        entry = self.catalogue_entry(service)
        self.state(self.statement_head("consent", region, service)
                   + struct.pack(">I", entry["version"]) + terms_of(entry)
                   + string(entry["purpose"]) + string(entry["retention"])
                   + struct.pack(">QI", 0, len(types)) + b"".join(map(string, types)))

    def catalogue_entry(self, service):
        catalogue = json.loads(self.get("/domicile/v1/catalogue/"))
        [entry] = [entry for entry in catalogue["services"] if entry["name"] == service]
        return entry

    def withdraw(self, service="any", region="home"):
        self.state(self.statement_head("withdrawal", region, service) + b"\0")

    # --- moving -------------------------------------------------------------

    def plan_move(self, target):
        return self.get("/domicile/v1/moves/plan/", to=target)

    def order_move(self, source, target, shared="refuse", grace=None, seconds=86400, epoch=None):
        """Ask to move; a person does so after looking at the plan.  The move's id."""
        plan = self.plan_move(target)
        expires = time.time_ns() // 1000000 + int(seconds * 1000)
        return self.state(
            self.statement_head("move-order", source, "", version=1) + string(target)
            + struct.pack(">QQBI", epoch or plan["epoch"], expires, shared == "leave",
                          plan["graceMin"] if grace is None else grace))[:16]

    def cancel_move(self, source, move):
        self.state(self.statement_head("move-cancel", source, "", version=1) + move)

    def acknowledge_move(self, target, move, epoch, root, revisions):
        self.state(self.statement_head("move-ack", target, "", version=1) + move
                   + struct.pack(">Q", epoch) + root + struct.pack(">Q", revisions))

    def moves(self):
        return self.get("/domicile/v1/moves/")["moves"]

    def certificate(self, move):
        return self.get(f"/domicile/v1/moves/{move.hex()}/certificate/")

    def carry_handoff(self, moved):
        """moved: the body of an account_moved; to the region that it is for."""
        message, signature = strings_in(moved["handoff"])
        return self.post("/domicile/v1/moves/handoff/",
                         {"handoff": message, "signature": signature})

    def follow(self, refused, **options):
        """To where a 403 account_moved says, hand-off in hand: a client that is logged in there."""
        assert refused.status == 403 and refused.code == "account_moved", refused
        there = Client(refused.body["address"], **options)
        there.carry_handoff(refused.body)
        there.login(self.name, self.login_key)
        for name in ("statement_key", "serial"):
            if hasattr(self, name):
                setattr(there, name, getattr(self, name))
        there.handoff = Handoff(strings_in(refused.body["handoff"])[0])
        return there

    # --- vault --------------------------------------------------------------

    def create_collection(self, collection_type=None, **content):
        main = item(**content)
        self.post("/api/v1/collection/", {
            "item": main, "collectionType": collection_type or os.urandom(72),
            "collectionKey": os.urandom(72)})
        return main["uid"]

    def path(self, collection, rest=""):
        return f"/api/v1/collection/{collection}/{rest}"

    def batch(self, collection, items, deps=None, **query):
        body = {"items": items}
        if deps is not None:
            body["deps"] = deps
        return self.post(self.path(collection, "item/batch/"), body, **query)

    def transaction(self, collection, items, deps=None, **query):
        return self.post(self.path(collection, "item/transaction/"),
                         {"items": items, "deps": deps}, **query)

    def pages(self, path, cursor="stoken", **query):
        """Every row of a list that is paged."""
        rows = []
        while True:
            page = self.get(path, **query)
            rows += page["data"]
            if page["done"]:
                self.stoken = page.get(cursor) or query.get(cursor)
                return rows
            assert page[cursor] and page[cursor] != query.get(cursor)
            query[cursor] = page[cursor]

    def items(self, collection, **query):
        return self.pages(self.path(collection, "item/"), **query)

    def collections(self, **query):
        return self.pages("/api/v1/collection/", **query)

    def put_chunk(self, collection, chunk_uid, content, item_uid=None):
        path = self.path(collection, f"item/{item_uid or uid()}/chunk/{chunk_uid}/")
        self.request("PUT", path, raw=content,
                     headers={"Content-Type": "application/octet-stream"})

    def get_chunk(self, collection, chunk_uid, item_uid=None):
        return self.get(
            self.path(collection, f"item/{item_uid or uid()}/chunk/{chunk_uid}/download/"))


def new_person(url, name=None, region="home", **options):
    """Signed up, with everything turned on."""
    client = Client(url, **options)
    client.signup(name or "p" + os.urandom(6).hex())
    client.consent("any", region=region)
    return client
