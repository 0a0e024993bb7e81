import assert from "node:assert/strict";
import { test } from "node:test";

import { ACTIONS, classOfKey, fieldOf, isTyped, keyOf } from "../../pages/desk/base/keys.js";

/** An element of which `closest` finds the field that it is or stands in. */
globalThis.Element = class {
  constructor(field = null) {
    this.field = field;
  }

  closest() {
    return this.field;
  }
};

const press = (key, changes = {}) => ({ key, code: "", isComposing: false, keyCode: 0, composedPath: () => [], ...changes });
const pressIn = (field) => press("1", { composedPath: () => [new Element(field)] });
const classes = ["good", "bad", "unclear"].map((name, index) => ({ name, key: ["1", "b", ""][index] }));

test("a class answers to the key that the server gave it", () => {
  assert.equal(classOfKey(classes, "1").name, "good");
  assert.equal(classOfKey(classes, "b").name, "bad");
  assert.equal(classOfKey(classes, "2"), null);
});

test("a class without a key answers to none", () => {
  assert.equal(classOfKey(classes, ""), null);
});

test("actions are found by letter and by name", () => {
  const actions = ["u", "backspace", "s", "f", "n", "w", "g", "/", "enter", "escape"].map((key) => ACTIONS[key]);
  assert.deepEqual(actions, [
    "undo", "undo", "skip", "flag", "unsure", "why", "guidelines", "search", "confirm", "back",
  ]);
  assert.equal(ACTIONS["1"], undefined);
});

test("capitals are the same keys", () => {
  assert.equal(keyOf(press("S")), "s");
  assert.equal(keyOf(press("Backspace")), "backspace");
});

test("a Hangul letter is the key of its place", () => {
  assert.equal(keyOf(press("ㄴ", { code: "KeyS" })), "s");
  assert.equal(keyOf(press("ㅃ", { code: "KeyQ" })), "q");
  assert.equal(keyOf(press("ㄴ", { code: "Digit1" })), "ㄴ");
});

test("a Latin letter is the key that it says, wherever that stands", () => {
  assert.equal(keyOf(press("a", { code: "KeyQ" })), "a");
});

test("a key that an input method composes is typed", () => {
  assert.equal(isTyped(press("1", { isComposing: true })), true);
  assert.equal(isTyped(press("1", { keyCode: 229 })), true);
  assert.equal(isTyped(press("1")), false);
});

test("a key in a field of text is typed, one on a checkbox or a slider is not", () => {
  for (const type of ["text", "search", "textarea", "select-one", undefined]) assert.equal(isTyped(pressIn({ type })), true);
  for (const type of ["checkbox", "radio", "range", "button"]) assert.equal(isTyped(pressIn({ type })), false);
});

test("beside a field nothing is typed", () => {
  assert.equal(fieldOf(pressIn(null)), null);
  assert.equal(fieldOf(press("1", { composedPath: () => [{}] })), null);  // the window, which is no element
});
