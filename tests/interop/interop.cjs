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
//
// A refusal of the server: exit code 3, and JSON with the error's class and what a
// person would be shown.
"use strict";
const fs = require("fs");
const path = require("path");
const Etebase = require("etebase");

async function open(file) {
  return Etebase.Account.restore(fs.readFileSync(file, "utf8"));
}

async function items(file, uid) {
  const manager = (await open(file)).getCollectionManager();
  return manager.getItemManager(await manager.fetch(uid));
}

async function all(list) {
  const found = [];
  let stoken = null;
  for (;;) {
    const page = await list({ stoken });
    found.push(...page.data);
    if (page.done) return found;
    stoken = page.stoken;
  }
}

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
};

async function main() {
  const [command, ...words] = process.argv.slice(2);
  await Etebase.ready;
  try {
    const said = await commands[command](...words);
    const text = (key, value) => (value instanceof Uint8Array ? Buffer.from(value).toString("hex") : value);
    if (said !== undefined) console.log(JSON.stringify(said, text));
  } catch (error) {
    const refusals = ["HttpError", "UnauthorizedError", "PermissionDeniedError", "ConflictError", "NotFoundError"];
    if (!refusals.some((name) => error instanceof Etebase[name])) throw error;
    console.log(JSON.stringify({ error: error.constructor.name, message: error.message }));
    process.exitCode = 3;
  }
}

main();
