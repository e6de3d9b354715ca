# SPDX-License-Identifier: AGPL-3.0-or-later
"""An app of today, the npm client, while its person moves the account with ours."""
import json

from cli_device import Device
from etebase_client import Client
from peer_region import Peer
from test_interop import PASSWORD, contents, fetched, npm  # noqa: F401
from test_move_http import until


class Person:
    """Ana with an app that writes, and the command that moves."""

    def __init__(self, npm, site, folder):
        self.npm, self.site, self.folder = npm, site, folder
        self.session = folder / "session"
        self.command = Device(folder)
        self.command.run("signup", "ana", "--server", site.url, password=PASSWORD)
        self.command.run("on", "files", "--yes")
        npm("login", site.url, "ana", self.session)
        self.collection = npm("make", self.session, "domicile.file")
        self.items = {}
        for name, content in contents().items():
            self.write(name, content)

    def write(self, name, content):
        (self.folder / "source").write_bytes(content)
        self.items[self.npm("put", self.session, self.collection, name,
                            self.folder / "source")] = content

    def refused(self, error):
        """What the app shows when a write fails so."""
        (self.folder / "source").write_bytes(b"never stored")
        said = self.npm("put", self.session, self.collection, "no", self.folder / "source",
                        code=3)
        assert said["error"] == error, said
        return said["message"]

    def read(self, folder):
        return fetched(self.npm, self.session, self.collection, self.folder / folder)

    def move(self, region, state):
        """Order it, and come back when it is so far; the move's number."""
        self.command.run("move", region, "--yes", "--no-wait")
        rows = until(lambda: [row for row in self.moves()
                              if (row["region"], row["state"]) == (region, state)])
        return bytes.fromhex(rows[0]["move"])

    def moves(self):
        return json.loads(self.site.control("moves", "--json", "--all"))


def test_an_app_of_today_sees_a_pause_and_then_where_to_sign_in(
        npm, group, make_site, tmp_path):  # noqa: F811
    source, target = (make_site(name, group) for name in ("in", "sg"))
    us = Peer("us")
    group.add(us)
    us.listen(group.sign())
    ana = Person(npm, source.start(), tmp_path)
    target.start()

    # A region that asks for the freeze and then says no more: the app waits for two
    # seconds, and the source takes the account back after five.
    move = ana.move("us", "exporting")
    us.freeze(Client(source.url), "in", move)
    ana.refused("TemporaryServerError")
    assert ana.read("frozen") == ana.items
    until(lambda: ana.moves()[0]["state"] == "exporting")
    ana.write("then", b"then")
    ana.command.run("move", "--cancel", "--yes")
    us.close()

    # One that takes it.
    ana.move("sg", "active")
    said = ana.refused("PermissionDeniedError")
    assert "region sg" in said and target.address in said
    # The old copy goes once a device has looked, and with it the sessions; who signs in
    # again where it was is still told.
    ana.command.run("move", "--status")
    until(lambda: ana.moves()[-1]["state"] == "erased")
    ana.refused("UnauthorizedError")
    said = npm("login", source.url, "ana", tmp_path / "again", code=3)
    assert said["error"] == "PermissionDeniedError" and target.address in said["message"]

    npm("login", target.url, "ana", ana.session)
    assert ana.read("found") == ana.items
    ana.write("from there", b"from there")
    assert ana.read("written") == ana.items
