// SPDX-License-Identifier: AGPL-3.0-or-later
// The npm client, one command per run, for tests/programs/test_interop.py.
//
//   interop.cjs signup|login URL NAME SESSION       password in $PASSWORD
//   interop.cjs passwd SESSION                      the new one in $PASSWORD
//   interop.cjs make SESSION TYPE                   prints the collection's uid
//   interop.cjs put SESSION COLLECTION NAME FILE    prints the item's uid
//   interop.cjs change SESSION COLLECTION UID FILE
//   interop.cjs delete SESSION COLLECTION UID
//   interop.cjs get SESSION COLLECTION FOLDER       writes FOLDER/UID, prints JSON
//   interop.cjs list SESSION TYPE                   prints JSON
//   interop.cjs follow SESSION TYPE [STOKEN]        prints JSON: one list, with its removals
//   interop.cjs invite SESSION COLLECTION NAME LEVEL
//   interop.cjs sent|incoming SESSION               prints JSON
//   interop.cjs accept|reject SESSION               every invitation that came
//   interop.cjs members SESSION COLLECTION          prints JSON
//   interop.cjs level SESSION COLLECTION NAME LEVEL
//   interop.cjs remove SESSION COLLECTION NAME
//   interop.cjs leave SESSION COLLECTION
//   interop.cjs watch SESSION COLLECTION COUNT STOKEN   puts COUNT items, prints what its
//                                                   subscription says of them, as JSON
//   interop.cjs serve                               a command in a line, as a JSON array
//
// A refusal of the server: exit code 3, and JSON with the error's class and what a
// person would be shown.
"use strict";
const fs = require("fs");
const path = require("path");
const readline = require("readline");
const Etebase = require("etebase");

async function open(file) {
  return Etebase.Account.restore(fs.readFileSync(file, "utf8"));
}

async function items(file, uid) {
  const manager = (await open(file)).getCollectionManager();
  return manager.getItemManager(await manager.fetch(uid));
}

async function all(list, cursor = "stoken") {
  const found = [];
  let at = null;
  for (;;) {
    const page = await list({ [cursor]: at, limit: 2 });
    found.push(...page.data);
    if (page.done) return found;
    at = page[cursor];
  }
}

async function members(file, uid) {
  const manager = (await open(file)).getCollectionManager();
  return manager.getMemberManager(await manager.fetch(uid));
}

const told = (invitation) => ({
  collection: invitation.collection,
  from: invitation.fromUsername,
  to: invitation.username,
  level: invitation.accessLevel,
});

const commands = {
  async signup(url, username, file) {
    const user = { username, email: `${username}@example.org` };
    const account = await Etebase.Account.signup(user, process.env.PASSWORD, url);
    fs.writeFileSync(file, await account.save());
  },
  async login(url, username, file) {
    const account = await Etebase.Account.login(username, process.env.PASSWORD, url);
    fs.writeFileSync(file, await account.save());
  },
  async passwd(file) {
    const account = await open(file);
    await account.changePassword(process.env.PASSWORD);
    fs.writeFileSync(file, await account.save());
  },
  async make(file, type) {
    const manager = (await open(file)).getCollectionManager();
    const meta = { name: "made by npm", color: "#23aabb" };
    const collection = await manager.create(type, meta, "about this collection");
    await manager.upload(collection);
    return collection.uid;
  },
  async put(file, uid, name, source) {
    const manager = await items(file, uid);
    const content = new Uint8Array(fs.readFileSync(source));
    const item = await manager.create({ name, mtime: 1700000000123, mood: "kept" }, content);
    await manager.batch([item]);
    return item.uid;
  },
  async change(file, uid, item_uid, source) {
    const manager = await items(file, uid);
    const item = await manager.fetch(item_uid);
    await item.setContent(new Uint8Array(fs.readFileSync(source)));
    await manager.transaction([item]);
  },
  async delete(file, uid, item_uid) {
    const manager = await items(file, uid);
    const item = await manager.fetch(item_uid);
    item.delete();
    await manager.batch([item]);
  },
  async get(file, uid, folder) {
    const manager = await items(file, uid);
    const said = {};
    for (const item of await all((options) => manager.list(options))) {
      said[item.uid] = { deleted: item.isDeleted, meta: item.getMeta() };
      if (item.isDeleted) continue;
      fs.writeFileSync(path.join(folder, item.uid), await item.getContent());
    }
    return said;
  },
  async list(file, type) {
    const manager = (await open(file)).getCollectionManager();
    const said = {};
    for (const collection of await all((options) => manager.list(type, options)))
      said[collection.uid] = collection.getMeta();
    return said;
  },
  async follow(file, type, stoken = null) {
    const manager = (await open(file)).getCollectionManager();
    const page = await manager.list(type, { stoken });
    return {
      stoken: page.stoken,
      collections: page.data.map((collection) => collection.uid),
      removed: (page.removedMemberships || []).map((removed) => removed.uid),
    };
  },
  async invite(file, uid, username, level) {
    const account = await open(file);
    const manager = account.getInvitationManager();
    const collection = await account.getCollectionManager().fetch(uid);
    const { pubkey } = await manager.fetchUserProfile(username);
    await manager.invite(collection, username, pubkey, Number(level));
  },
  async sent(file) {
    const manager = (await open(file)).getInvitationManager();
    return (await all((options) => manager.listOutgoing(options), "iterator")).map(told);
  },
  async incoming(file) {
    const manager = (await open(file)).getInvitationManager();
    return (await all((options) => manager.listIncoming(options), "iterator")).map(told);
  },
  async accept(file) {
    const manager = (await open(file)).getInvitationManager();
    const found = await all((options) => manager.listIncoming(options), "iterator");
    for (const invitation of found) await manager.accept(invitation);
  },
  async reject(file) {
    const manager = (await open(file)).getInvitationManager();
    const found = await all((options) => manager.listIncoming(options), "iterator");
    for (const invitation of found) await manager.reject(invitation);
  },
  async members(file, uid) {
    const manager = await members(file, uid);
    const found = await all((options) => manager.list(options), "iterator");
    return Object.fromEntries(found.map((member) => [member.username, member.accessLevel]));
  },
  async level(file, uid, username, level) {
    await (await members(file, uid)).modifyAccessLevel(username, Number(level));
  },
  async remove(file, uid, username) {
    await (await members(file, uid)).remove(username);
  },
  async watch(file, uid, count, stoken) {
    const manager = await items(file, uid);
    const messages = [];
    const token = stoken || undefined;
    let heard;
    const next = () => new Promise((resolve) => (heard = resolve));
    let waiting = next();
    const handle = await manager.subscribeChanges((message) => {
      messages.push({
        stoken: message.stoken,
        items: message.data.map((item) => [item.uid, item.getMeta().name]),
      });
      heard();
    }, { stoken: token });
    await waiting; // for what there was
    for (let i = 0; i < Number(count); i++) {
      waiting = next();
      await manager.batch([await manager.create({ name: `item ${i}` }, "content")]);
      await waiting;
    }
    await handle.unsubscribe();
    return messages;
  },
  async leave(file, uid) {
    await (await members(file, uid)).leave();
  },
};

const refusals = ["HttpError", "UnauthorizedError", "PermissionDeniedError", "ConflictError", "NotFoundError"];
const text = (key, value) => (value instanceof Uint8Array ? Buffer.from(value).toString("hex") : value);

async function run(command, words) {
  try {
    const said = await commands[command](...words);
    return { said, code: 0 };
  } catch (error) {
    if (!refusals.some((name) => error instanceof Etebase[name])) throw error;
    return { said: { error: error.constructor.name, message: error.message }, code: 3 };
  }
}

async function main() {
  const [command, ...words] = process.argv.slice(2);
  await Etebase.ready;
  if (command === "serve") {
    for await (const line of readline.createInterface({ input: process.stdin })) {
      const [each, ...its] = JSON.parse(line);
      console.log(JSON.stringify(await run(each, its), text));
    }
    return;
  }
  const { said, code } = await run(command, words);
  if (said !== undefined) console.log(JSON.stringify(said, text));
  process.exitCode = code;
}

main();
