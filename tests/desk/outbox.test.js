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
  const { at, request_id } = outbox.add(answerTo(7));
  assert.deepEqual(outbox.entries(), [{ ...answerTo(7), at, request_id }]);
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

test("answers of two tabs are in the order of answering, whatever happens to the clock", (context) => {
  context.mock.timers.enable({ apis: ["Date"], now: 5_000_000 });
  const tabs = [new Outbox("reviews", "kim"), new Outbox("reviews", "kim")];
  [1, 2, 3, 4, 5, 6].forEach((id, index) => {
    context.mock.timers.setTime(5_000_000 - 1_000 * index);  // it goes back
    tabs[index % 2].add(answerTo(id));
  });
  assert.deepEqual(ids(tabs[1]), [1, 2, 3, 4, 5, 6]);
});

test("an answer comes after those that an earlier version kept", () => {
  keepAs("u1/kim", 7, 1_900_000_000_000);
  const outbox = new Outbox("u1", "kim");
  outbox.add(answerTo(8));
  assert.deepEqual(ids(outbox), [7, 8]);
});

test("an entry that cannot be read harms no other, and is said", () => {
  const outbox = new Outbox("u1", "kim");
  outbox.add(answerTo(1));
  for (const text of ["{", "null", "3", '{"label": "good"}', '"text"', ""]) {
    localStorage.setItem(`labeler/outbox/u1/kim/${"9".repeat(30)}-${text.length}`, text);
  }
  outbox.add(answerTo(2));
  assert.deepEqual(ids(outbox), [1, 2]);
  const damaged = outbox.kept();
  assert.deepEqual(damaged.map(({ answer }) => answer), [null, null, null, null, null]);
  for (const { name } of damaged) outbox.dismiss(name);
  assert.deepEqual(outbox.kept(), []);
  assert.deepEqual(ids(outbox), [1, 2]);
});

test("an entry is removed by its name, whatever it says of itself", () => {
  localStorage.setItem("labeler/outbox/u1/kim/000000000000001-5", JSON.stringify({ ...answerTo(1), request_id: "other" }));
  const outbox = new Outbox("u1", "kim");
  outbox.remove(outbox.entries()[0].request_id);
  assert.deepEqual(ids(outbox), []);
});

test("a refused answer that is sent anew is in the outbox under its own id, and not refused any more", () => {
  const outbox = new Outbox("u1", "kim");
  const { request_id } = outbox.add(answerTo(1));
  outbox.setAside(request_id, "No.");
  outbox.add(answerTo(2));
  assert.equal(outbox.sendAnew(outbox.kept()[0]), true);
  assert.deepEqual(outbox.kept(), []);
  const [again] = outbox.entries();
  assert.equal(again.request_id, request_id);
  assert.equal("reason" in again, false);
  assert.deepEqual(ids(outbox), [1, 2]);
});

test("an account finds its answers after a change of its name, and those from before there were accounts", () => {
  new Outbox("u1", "Kim").add(answerTo(1));
  new Outbox("u1", "kim", 3).add(answerTo(2));
  new Outbox("u1", "kim", 4).add(answerTo(9));
  assert.deepEqual(ids(new Outbox("u1", "kim", 3)), [1, 2]);
  assert.deepEqual(ids(new Outbox("u1", "kim minjun", 3)), [2]);
  assert.deepEqual(ids(new Outbox("u1", "@3")), [], "a name is no account");
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
  outbox.setAside(request_id, "No such class.");
  assert.deepEqual(outbox.entries(), []);
  const [kept] = outbox.kept();
  assert.deepEqual([kept.answer.item_id, kept.answer.reason, kept.isGone], [7, "No such class.", false]);
  outbox.dismiss(kept.name);
  assert.deepEqual(outbox.kept(), []);
});

test("what was refused is shown to its own annotator alone", () => {
  const outbox = new Outbox("u1", "kim");
  outbox.setAside(outbox.add(answerTo(7)).request_id, "No.");
  assert.equal(new Outbox("u1", "lee").kept().length, 0);
  assert.equal(new Outbox("u1", "kim").kept().length, 1);
});

// ------------------------------------------------------------ projects that are gone, and earlier versions

const keepAs = (name, id, at) => {
  const request_id = `${String(at).padStart(15, "0")}-000000-1`;
  localStorage.setItem(`labeler/outbox/${name}/${request_id}`, JSON.stringify({ ...answerTo(id), request_id }));
  return request_id;
};

test("a project made anew receives no answer to the one before", () => {
  new Outbox("u1", "kim").add(answerTo(1));
  assert.deepEqual(ids(new Outbox("u2", "kim", null, { project: "reviews", since: null })), []);
});

test("answers to a project that is gone are kept, and said", () => {
  new Outbox("u1", "kim").add(answerTo(1));
  new Outbox("u3", "kim").add(answerTo(3));
  const outbox = new Outbox("u2", "kim");
  assert.deepEqual(outbox.others().sort(), ["u1", "u3"]);
  outbox.gone = new Set(["u1"]);
  assert.deepEqual(outbox.kept().map(({ project, isGone, answer }) => [project, isGone, answer.item_id]), [["u1", true, 1]]);
  assert.deepEqual(ids(new Outbox("u1", "kim")), [1], "a project that is brought back gets them");
});

test("answers kept by an earlier version are sent to their own project", () => {
  const request_id = keepAs("reviews/kim", 7, 2_000);
  const outbox = new Outbox("u1", "kim", null, { project: "reviews", since: 1_000 });
  assert.deepEqual(ids(outbox), [7]);
  outbox.remove(request_id);
  assert.deepEqual(ids(outbox), []);
});

test("answers kept by an earlier version for a former project of the same name are not sent, and said", () => {
  keepAs("reviews/kim", 7, 500);
  for (const since of [1_000, null]) {
    const outbox = new Outbox("u1", "kim", null, { project: "reviews", since });
    assert.deepEqual(ids(outbox), []);
    assert.deepEqual(outbox.kept().map(({ isGone, answer }) => [isGone, answer.item_id]), [[true, 7]]);
  }
});

test("a name with a slash is nobody else's", () => {
  new Outbox("u1", "kim/lee").add(answerTo(1));
  keepAs("reviews/kim/lee", 2, 2_000);
  const before = { project: "reviews", since: 1_000 };
  assert.deepEqual(ids(new Outbox("u1", "kim", null, before)), []);
  assert.deepEqual(ids(new Outbox("u1", "kim/lee", null, before)).sort(), [1, 2]);
});

test("what an earlier version set aside is still there", () => {
  localStorage.setItem("labeler/refused/000-1", JSON.stringify({ ...answerTo(7), request_id: "000-1" }));
  assert.deepEqual(new Outbox("u1", "kim").kept().map(({ answer }) => answer.item_id), [7]);
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
  for (const [name, text] of Object.entries(localStorage)) full.setItem(name, text);
  globalThis.localStorage = full;
  outbox.setAside(request_id, "A reason that has no room.");
  assert.deepEqual(outbox.entries(), []);
  assert.deepEqual(outbox.kept().map(({ answer }) => answer.item_id), [7]);
});

test("what is given up is kept until the server knows it, whoever opens the next desk", () => {
  const outbox = new Outbox("reviews", "kim");
  const { request_id } = outbox.add(answerTo(7));
  outbox.setAside(request_id, "A reason.");
  outbox.giveUp(outbox.kept()[0]);
  const next = new Outbox("reviews", "kim");
  assert.deepEqual([next.kept(), next.givenUp()], [[], [request_id]]);
  assert.deepEqual(new Outbox("reviews", "lee").givenUp(), []);
  next.told([request_id]);
  assert.deepEqual(next.givenUp(), []);
});
