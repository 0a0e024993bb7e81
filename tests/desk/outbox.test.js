import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { Outbox } from "../../pages/desk/sync/outbox.js";
import { fakeStorage } from "./fakes.js";

const answerTo = (id) => ({ item_id: id, action: "label", label: "good", seconds: 1 });
const ids = (outbox) => outbox.entries().map((entry) => entry.item_id);

beforeEach(() => {
  globalThis.localStorage = fakeStorage();
});

test("an answer is kept as it was given until it is removed", () => {
  const outbox = new Outbox("reviews", "kim");
  const { request_id } = outbox.add(answerTo(7));
  assert.deepEqual(outbox.entries(), [{ ...answerTo(7), request_id }]);
  outbox.remove(request_id);
  assert.deepEqual(outbox.entries(), []);
});

test("answers outlive the page: a new outbox holds them", () => {
  new Outbox("reviews", "kim").add(answerTo(7));
  assert.deepEqual(ids(new Outbox("reviews", "kim")), [7]);
});

test("answers of one moment stay in the order of answering", (context) => {
  context.mock.timers.enable({ apis: ["Date"], now: 1_000 });
  const outbox = new Outbox("reviews", "kim");
  const given = Array.from({ length: 12 }, (_, index) => 100 - index);
  for (const id of given) outbox.add(answerTo(id));
  assert.deepEqual(ids(outbox), given);
});

test("answers of two tabs are in the order of the clock", (context) => {
  context.mock.timers.enable({ apis: ["Date"], now: 999 });
  const tabs = [new Outbox("reviews", "kim"), new Outbox("reviews", "kim")];
  [1, 2, 3].forEach((id, index) => {
    tabs[index % 2].add(answerTo(id));
    context.mock.timers.tick(1);
  });
  assert.deepEqual(ids(tabs[1]), [1, 2, 3]);
});

test("two answers never share a name", () => {
  const tabs = [new Outbox("reviews", "kim"), new Outbox("reviews", "kim")];
  const names = new Set(Array.from({ length: 100 }, (_, index) => tabs[index % 2].add(answerTo(1)).request_id));
  assert.equal(names.size, 100);
});

test("the order is that of the names, in whatever order the browser lists its entries", () => {
  const outbox = new Outbox("reviews", "kim");
  for (const id of [1, 2, 3]) outbox.add(answerTo(id));
  const entries = Object.entries(localStorage).reverse();
  globalThis.localStorage = fakeStorage();
  for (const [name, text] of entries) localStorage.setItem(name, text);
  assert.deepEqual(ids(outbox), [1, 2, 3]);
});

test("each person and each project has an outbox of its own", () => {
  new Outbox("reviews", "kim").add(answerTo(1));
  new Outbox("reviews", "lee").add(answerTo(2));
  new Outbox("scans", "kim").add(answerTo(3));
  assert.deepEqual(ids(new Outbox("reviews", "kim")), [1]);
});

test("a refused answer leaves the outbox and is kept apart", () => {
  const outbox = new Outbox("reviews", "kim");
  const { request_id } = outbox.add(answerTo(7));
  outbox.setAside(request_id);
  assert.deepEqual(outbox.entries(), []);
  assert.equal(JSON.parse(localStorage.getItem(`labeler/refused/${request_id}`)).item_id, 7);
});

test("a full storage refuses the answer and keeps those that it has", () => {
  globalThis.localStorage = fakeStorage(400);
  const outbox = new Outbox("reviews", "kim");
  assert.throws(() => { for (let id = 1; id < 100; id++) outbox.add(answerTo(id)); }, /storage is full/);
  assert.deepEqual(ids(outbox), [1, 2]);
});

test("a refused answer is set aside in a full storage as well", () => {
  const outbox = new Outbox("reviews", "kim");
  const { request_id } = outbox.add(answerTo(7));
  const size = Object.entries(localStorage).reduce((sum, [name, text]) => sum + name.length + text.length, 0);
  const full = fakeStorage(size);
  full.setItem(outbox.prefix + request_id, localStorage.getItem(outbox.prefix + request_id));
  globalThis.localStorage = full;
  outbox.setAside(request_id);
  assert.deepEqual(outbox.entries(), []);
  assert.ok(localStorage.getItem(`labeler/refused/${request_id}`));
});
