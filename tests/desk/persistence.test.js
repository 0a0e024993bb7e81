import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { askToPersist } from "../../pages/desk/sync/persistence.js";
import { fakeStorage } from "./fakes.js";

let asked;

function browserThat({ persists = false, refuses = false } = {}) {
  const storage = {
    persisted: async () => persists,
    persist: async () => {
      asked += 1;
      if (refuses) throw new Error("not here");
      return true;
    },
  };
  Object.defineProperty(globalThis, "navigator", { value: { storage }, configurable: true });
}

beforeEach(() => {
  asked = 0;
  globalThis.localStorage = fakeStorage();
});

test("a browser is asked once to keep what is stored", async () => {
  browserThat();
  for (let i = 0; i < 3; i++) await askToPersist();
  assert.equal(asked, 1);
});

test("a browser that keeps it already is not asked", async () => {
  browserThat({ persists: true });
  await askToPersist();
  assert.equal(asked, 0);
});

test("a browser that knows no such thing, refuses or is full is no hindrance", async () => {
  Object.defineProperty(globalThis, "navigator", { value: {}, configurable: true });
  await askToPersist();
  browserThat({ refuses: true });
  await askToPersist();
  assert.equal(asked, 1);
  globalThis.localStorage = fakeStorage(5);
  await askToPersist();
  assert.equal(asked, 1);
});
