import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { fakeStorage } from "./fakes.js";

const taken = new Set();
const locks = {
  async request(name, options, run) {
    const isFree = !taken.has(name);
    if (isFree) taken.add(name);
    run(isFree ? {} : null);  // held for as long as the page is there
  },
};

/** The module as a page that was just opened has it. */
let pages = 0;
const claimInNewPage = async () => (await import(`../../pages/desk/sync/tab.js?page=${pages++}`)).claimTab;

beforeEach(() => {
  taken.clear();
  globalThis.sessionStorage = fakeStorage();
  Object.defineProperty(globalThis, "navigator", { value: { locks }, configurable: true, writable: true });
});

test("a new tab has a new name, and keeps it for a desk that is drawn anew", async () => {
  const claimTab = await claimInNewPage();
  const name = await claimTab();
  assert.match(name, /^tab-\d+$/);
  assert.equal(await claimTab(), name);
});

test("a reload keeps the name: the lock went with the page", async () => {
  const name = await (await claimInNewPage())();
  taken.clear();
  assert.equal(await (await claimInNewPage())(), name);
});

test("a duplicate of the tab, which copies its storage, takes another name", async () => {
  const name = await (await claimInNewPage())();
  const copy = await (await claimInNewPage())();
  assert.notEqual(copy, name);
  assert.equal(sessionStorage.getItem("labeler/tab"), copy);
});

test("without locks, e.g. on plain HTTP, the name is that of the storage", async () => {
  globalThis.navigator = {};
  const name = await (await claimInNewPage())();
  assert.equal(await (await claimInNewPage())(), name);
});
