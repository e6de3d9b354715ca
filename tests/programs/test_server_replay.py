# SPDX-License-Identifier: AGPL-3.0-or-later
"""What the reference server was asked and answered, asked again of ours.

tests/vectors/etebase-vectors.json holds 48 requests of the npm client with the
reference's replies, in order, and 17 error replies.  They are sent to a region,
and every reply is compared field by field.  Session tokens, sync tokens,
iterators and challenges are each server's own: ours takes the place of the
recorded one wherever that comes again, in replies too.  Sentences for people
("detail") only have to be there.  Where ours is meant to differ is listed here
with the reason; any other difference fails, and so does one that is listed and
gone.
"""
import json
import urllib.parse

import msgpack
import nacl.signing
import pytest

from conftest import ROOT
from etebase_client import Client, Refused, item, revision, uid

VECTORS = json.loads((ROOT / "tests/vectors/etebase-vectors.json").read_text())
EXCHANGES = VECTORS["http"]["exchanges"]
SAMPLES = {sample["what"]: sample for sample in VECTORS["http"]["error_samples"]}
CRYPTO = VECTORS["crypto"]

ABSENT = "an empty list of removals is left out, as clients and the protocol's text expect it"
MOVES = "the token moves past the removals, so that they are told once"
NO_NAMES = "strangers are not told which names have accounts: it fails like a wrong password"
OWN_TEXT = "msgpack like every other error, not JSON"

# (step, place in the reply): why ours differs.
INTENDED = {
    ("list_multi, nothing there", "removedMemberships"): ABSENT,
    ("list_multi", "removedMemberships"): ABSENT,
    ("list_multi (user 2)", "removedMemberships"): ABSENT,
    ("list_multi from stoken: removedMemberships (user 2)", "stoken"): MOVES,
    ("list incoming (user 2)", "iterator"): "a position in the list of who asks, not an invitation",
    ("login_challenge unknown user", "status"): NO_NAMES,
}

INTENDED_SAMPLES = {
    ("no Authorization header", "status"): "401 is what it means",
    ("no Authorization header", "content_type"): OWN_TEXT,
    ("no Authorization header", "code"): "not_authenticated, which the reference declares",
    ("unknown user", "status"): NO_NAMES,
    ("unknown user", "code"): NO_NAMES,
    ("unknown user", "detail"): NO_NAMES,
    ("422 missing field", "code"): "shape 2 for 422 too: validation_error",
    ("422 missing field", "errors"): "shape 2 for 422 too",
    ("422 missing field", "detail"): "a sentence instead of the framework's array",
    ("422 bad query value", "code"): "shape 2 for 422 too: validation_error",
    ("422 bad query value", "errors"): "shape 2 for 422 too",
    ("422 bad query value", "detail"): "a sentence instead of the framework's array",
    ("unparsable body", "content_type"): OWN_TEXT,
    ("unparsable body", "code"): "malformed_body: every error has a code",
    ("unparsable body", "errors"): "shape 2",
    ("unknown path", "content_type"): "msgpack, not a page of HTML",
    ("unknown path", "code"): "not_found: every error has a code",
    ("unknown path", "detail"): "every error has a sentence",
    ("unknown path", "errors"): "shape 2",
    ("server fault (malformed Authorization)", "status"): "401, not a fault of the server",
    ("server fault (malformed Authorization)", "content_type"): "msgpack, not text",
    ("server fault (malformed Authorization)", "code"): "not_authenticated",
    ("server fault (malformed Authorization)", "detail"): "every error has a sentence",
}


def unpack(data):
    """A decoded reply; bytes that are no whole msgpack value are a chunk's."""
    try:
        return msgpack.unpackb(data, strict_map_key=True) if data else None
    except ValueError:
        return data


def sign_up(region, name, number, seed=None):
    account = CRYPTO["account2" if number else "account"]
    email = "test2@localhost" if number else "test@localhost"
    client = Client(region.url)
    reply = client.request("POST", "/api/v1/authentication/signup/", {
        "user": {"username": name, "email": email},
        "salt": bytes.fromhex(CRYPTO["kdf"][number]["salt_hex"]),
        "loginPubkey": bytes.fromhex(account["login_pubkey_hex"]),
        "pubkey": bytes.fromhex(account["identity_pubkey_hex"]),
        "encryptedContent": bytes.fromhex(account["encryptedContent_hex"])})
    client.token = reply["token"]
    client.identity_public = bytes.fromhex(account["identity_pubkey_hex"])
    if seed:
        client.login_key = nacl.signing.SigningKey(seed)
    return client


class Replay:
    OPAQUE = ("stoken", "iterator", "token", "challenge")

    def __init__(self, region):
        seed = bytes.fromhex(CRYPTO["account"]["login_seed_hex"])
        self.region = region
        self.first = sign_up(region, "test_user", 0, seed)
        self.first.consent()
        self.second = sign_up(region, "test_user2", 1)
        self.ours = {}  # recorded token or challenge: ours
        self.differences = {}

    def token(self, recorded, step):
        if "(user 2)" in step and recorded not in self.ours:
            self.ours[recorded] = self.second.token
        return self.ours.get(recorded, recorded)

    def request(self, exchange):
        """Method, path, headers and body as this server must be asked."""
        parts = urllib.parse.urlsplit(exchange["target"])
        query = [(name, self.ours.get(value, value))
                 for name, value in urllib.parse.parse_qsl(parts.query)]
        headers = dict(exchange["request_headers"])
        if "Authorization" in headers:
            word, token = headers["Authorization"].split()
            headers["Authorization"] = f"{word} {self.token(token, exchange['step'])}"
        body = bytes.fromhex(exchange["request_body_hex"] or "")
        if parts.path.endswith(("/login/", "/change_password/")):
            body = self.sign(body)
        path = parts.path + ("?" + urllib.parse.urlencode(query) if query else "")
        return exchange["method"], path, headers, body

    def sign(self, body):
        """The same answer to our challenge, for our host."""
        response = msgpack.unpackb(msgpack.unpackb(body)["response"])
        response["challenge"] = self.ours[response["challenge"]]
        response["host"] = self.first.netloc
        response = msgpack.packb(response)
        signature = self.first.login_key.sign(response).signature
        return msgpack.packb({"response": response, "signature": signature})

    def compare(self, place, recorded, ours):
        key = place.rsplit(".", 1)[-1]
        if key in self.OPAQUE and isinstance(recorded, (str, bytes)) and \
                type(recorded) is type(ours) and "/revision/" not in self.target:
            if self.ours.setdefault(recorded, ours) != ours:
                self.differences[self.step, place] = (self.ours[recorded], ours)
                self.ours[recorded] = ours
        elif key == "detail" and isinstance(recorded, str):
            if not isinstance(ours, str) or not ours:
                self.differences[self.step, place] = (recorded, ours)
        elif isinstance(recorded, dict) and isinstance(ours, dict):
            for name in recorded.keys() | ours.keys():
                inner = f"{place}.{name}" if place else name
                if name not in recorded or name not in ours:
                    self.differences[self.step, inner] = (recorded.get(name, "no key"),
                                                          ours.get(name, "no key"))
                else:
                    self.compare(inner, recorded[name], ours[name])
        elif isinstance(recorded, list) and isinstance(ours, list) and \
                len(recorded) == len(ours):
            for index, pair in enumerate(zip(recorded, ours)):
                self.compare(f"{place}.{index}", *pair)
        elif recorded != ours or type(recorded) is not type(ours):
            self.differences[self.step, place] = (recorded, ours)

    def run(self, exchange):
        self.step, self.target = exchange["step"], exchange["target"]
        method, path, headers, body = self.request(exchange)
        self.first.connection.request(method, path, body, headers)
        reply = self.first.connection.getresponse()
        data = reply.read()
        if reply.status != exchange["status"]:
            self.differences[self.step, "status"] = (exchange["status"], reply.status, data)
            return
        self.compare("", unpack(bytes.fromhex(exchange["response_body_hex"] or "")),
                     unpack(data))


def test_recorded_requests_get_the_recorded_replies(make_region):
    replay = Replay(make_region())
    for exchange in EXCHANGES:
        replay.run(exchange)
    unexpected = {place: values for place, values in replay.differences.items()
                  if place not in INTENDED}
    assert unexpected == {}
    assert set(INTENDED) == set(replay.differences)
    assert len(EXCHANGES) == 48


def test_a_changed_reply_would_be_noticed():
    replay = Replay.__new__(Replay)
    replay.ours, replay.differences, replay.step, replay.target = {"a": "x"}, {}, "", ""
    recorded = {"stoken": "a", "data": [{"uid": "u", "deleted": False}], "done": True}
    same = recorded | {"stoken": "x"}
    for ours in (same | {"stoken": "y"}, same | {"done": 1}, same | {"stoken": None},
                 same | {"data": []}, same | {"data": [{"uid": "u", "deleted": True}]},
                 {"stoken": "x", "done": True}):
        replay.differences.clear()
        replay.ours = {"a": "x"}
        replay.compare("", recorded, ours)
        assert len(replay.differences) == 1, ours
    replay.differences.clear()
    replay.ours = {"a": "x"}
    replay.compare("", recorded, same)
    assert replay.differences == {}


# --- error samples: their requests are not recorded -----------------------------------


def ask_old_revision(client):
    collection = client.create_collection()
    first = item()
    client.batch(collection, [first])
    second = dict(first, content=revision(), etag=first["content"]["uid"])
    client.batch(collection, [second])
    again = dict(first, etag=first["content"]["uid"])
    client.batch(collection, [again])


def ask_dep_failed(client):
    collection = client.create_collection()
    first = item()
    client.batch(collection, [first])
    client.batch(collection, [item()], deps=[{"uid": first["uid"], "etag": uid(16)}])


def ask_without(client, method, path, headers):
    client.token = None
    client.request(method, path, headers=headers)


def ask_signup(client, name, email):
    client.request("POST", "/api/v1/authentication/signup/", {
        "user": {"username": name, "email": email}, "salt": bytes(32),
        "loginPubkey": bytes(32), "pubkey": bytes(32), "encryptedContent": bytes(104)})


COLLECTIONS = "/api/v1/collection/"
ASK = {
    "no Authorization header": lambda c: ask_without(c, "GET", COLLECTIONS, {}),
    "unknown token": lambda c: ask_without(
        c, "GET", COLLECTIONS, {"Authorization": "Token " + "x" * 40}),
    "unknown user": lambda c: c.post(
        "/api/v1/authentication/login_challenge/", {"username": "nobody"}),
    "signup, both fields bad": lambda c: ask_signup(c, "bad name!", "not an address"),
    "signup, user exists": lambda c: ask_signup(c, "test_user", "other@localhost"),
    "422 missing field": lambda c: c.post("/api/v1/authentication/login/", {"response": b"x"}),
    "422 bad query value": lambda c: c.get(COLLECTIONS, limit="abc"),
    "unparsable body": lambda c: c.request(
        "POST", "/api/v1/authentication/login_challenge/", raw=b"\xc1"),
    "unknown collection": lambda c: c.get(f"{COLLECTIONS}{uid()}/"),
    "unknown stoken": lambda c: c.get(COLLECTIONS, stoken="bad"),
    "old revision again": ask_old_revision,
    "too many items": lambda c: c.post(
        c.path(c.create_collection(), "item/fetch_updates/"),
        [{"uid": uid()} for _ in range(201)]),
    "stale stoken": lambda c: c.batch(c.create_collection(), [item()], stoken="zzz"),
    "dep failed": ask_dep_failed,
    "collection create, chunk without content": lambda c: c.create_collection(
        chunks=[(uid(32), None)]),
    "unknown path": lambda c: c.get("/api/v1/nope/"),
    "server fault (malformed Authorization)": lambda c: ask_without(
        c, "GET", COLLECTIONS, {"Authorization": "Token"}),
}


@pytest.fixture(scope="module")
def region(tmp_path_factory):
    from conftest import Region
    started = Region(tmp_path_factory.mktemp("samples")).start()
    sign_up(started, "test_user", 0)
    yield started
    assert started.stop() == 0


@pytest.mark.parametrize("what", SAMPLES)
def test_an_error_has_the_recorded_status_and_shape(region, what):
    sample = SAMPLES[what]
    client = Client(region.url)
    client.signup("s" + uid(8).lower().replace("_", "a"))
    client.consent()
    body = {}
    try:
        ASK[what](client)
    except Refused as refusal:
        body = refusal.body
    ours = {"status": client.reply.status,
            "content_type": client.reply.headers["Content-Type"], **body}
    recorded = {"status": sample["status"], "content_type": sample["content_type"]}
    if sample["content_type"] == "application/msgpack":
        recorded |= msgpack.unpackb(bytes.fromhex(sample["body_hex"]))
    elif sample["content_type"] == "application/json":
        recorded |= json.loads(sample["body_text"])
    different = {name for name in recorded.keys() | ours.keys()
                 if (name in recorded) != (name in ours)
                 or shape(recorded[name], name) != shape(ours[name], name)}
    assert different == {name for place, name in INTENDED_SAMPLES if place == what}


def shape(value, name):
    """What must be equal: everything but sentences and the uids of items."""
    if name == "detail":
        return type(value)
    if name == "errors" and value:
        return sorted((error["code"], error["field"] if "." in error["field"] else "a uid",
                       type(error["detail"])) for error in value)
    return value


def test_every_sample_is_asked_for():
    assert ASK.keys() == SAMPLES.keys()
    assert {place for place, _ in INTENDED_SAMPLES} <= SAMPLES.keys()
