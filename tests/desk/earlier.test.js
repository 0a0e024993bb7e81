import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { EarlierAnswers } from "../../pages/desk/sync/earlier.js";
import { item } from "./fakes.js";

let earlier;

beforeEach(() => {
  earlier = new EarlierAnswers();
});

const label = (id, name = "good") => ({ item_id: id, action: "label", label: name, unsure: false });
const undo = (id) => ({ item_id: id, action: "undo", label: null });
const ids = () => earlier.entries.map((entry) => entry.id);

test("the latest answer stands last, and an item is there once", () => {
  for (const id of [1, 2, 1]) earlier.add(item(id), label(id));
  assert.deepEqual(ids(), [2, 1]);
  assert.equal(earlier.last.id, 1);
});

test("an answer that is taken back is gone", () => {
  for (const id of [1, 2]) earlier.add(item(id), label(id));
  earlier.takeBack(2);
  assert.deepEqual(ids(), [1]);
  assert.equal(earlier.of(2), undefined);
});

test("no more than fifty are kept", () => {
  for (let id = 0; id < 60; id++) earlier.add(item(id), label(id));
  assert.equal(earlier.entries.length, 50);
  assert.equal(earlier.entries[0].id, 10);
});

test("the server's answers come before those of this tab, the oldest first", () => {
  earlier.add(item(9), label(9));
  earlier.recall([label(3), label(2), label(1)], new Map());
  assert.deepEqual(ids(), [1, 2, 3, 9]);
});

test("a recalled answer has the prediction that was shown after it", () => {
  const prediction = { label: "bad", confidence: 0.8 };
  earlier.recall([label(2), label(1)], new Map([[2, prediction]]));
  assert.deepEqual(earlier.entries.map((entry) => entry.prediction), [undefined, prediction]);
});

test("after a reload, answers that are still unsent stand after those that the server knows", () => {
  earlier.recallUnsent([label(4), label(5, "bad")]);
  earlier.recall([label(3)], new Map());
  assert.deepEqual(ids(), [3, 4, 5]);
  assert.equal(earlier.last.label, "bad");
});

test("an unsent answer takes the place of the one that the server still remembers", () => {
  earlier.recallUnsent([label(3, "bad")]);
  earlier.recall([label(4), label(3, "good")], new Map());
  assert.deepEqual(earlier.entries.map((entry) => [entry.id, entry.label]), [[4, "good"], [3, "bad"]]);
});

test("an undo names its answer: another one to the same item stays, also as the server tells of it", () => {
  const answer = (id, name) => ({ ...label(id), request_id: name });
  earlier.add(item(1), answer(1, "first"));
  earlier.takeBack(1, "first");
  earlier.recall([answer(1, "second"), answer(2, "other")], new Map());
  assert.deepEqual(earlier.entries.map((entry) => entry.answer), ["other", "second"]);
  earlier.takeBack(1, "first");
  assert.equal(earlier.last.answer, "second");
});

test("an undo that is still unsent after a reload hides the answer that it names", () => {
  earlier.recallUnsent([{ ...undo(3), request_id: "u", undoes: "first" }]);
  earlier.recall([{ ...label(3), request_id: "first" }, { ...label(2), request_id: "other" }], new Map());
  assert.deepEqual(ids(), [2]);
});

test("an answer that was taken back is not recalled, though the server has not heard of it yet", () => {
  earlier.recallUnsent([label(4), undo(4), undo(3)]);
  earlier.recall([label(3), label(2)], new Map());
  assert.deepEqual(ids(), [2]);
});
