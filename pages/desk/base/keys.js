// Which key does what. What is typed into a field, composed by an input method, or held down is never an answer.
/** @import { ClassDetail } from "./types.js" */

// The desk's own actions. The keys of the classes come with the page's data: `labeler/projects/class_keys.py`.
/** @type {Record<string, string>} */
export const ACTIONS = {
  u: "undo", backspace: "undo", s: "skip", f: "flag", n: "unsure", w: "why", g: "guidelines", "/": "search",
  ";": "fullScreen", enter: "confirm", escape: "back",
};

/**
 * The class that a key answers with, or null.
 * @param {ClassDetail[]} classes
 * @param {string} key
 */
export function classOfKey(classes, key) {
  return (key && classes.find((detail) => detail.key === key)) || null;
}

/**
 * The key as it stands on the keyboard: with the Hangul layout on, Q gives ㅂ.
 * @param {KeyboardEvent} event
 */
export function keyOf(event) {
  if (/^[\u3131-\u318e\uac00-\ud7a3]$/.test(event.key) && /^Key[A-Z]$/.test(event.code)) {
    return event.code[3].toLowerCase();
  }
  return event.key.toLowerCase();
}

const NOT_TYPED_INTO = ["checkbox", "radio", "button", "submit", "reset", "range", "file", "color"];

/**
 * The field that the key is typed into, or null.
 * @param {KeyboardEvent} event
 * @returns {HTMLElement | null}
 */
export function fieldOf(event) {
  const target = event.composedPath()[0];
  if (!(target instanceof Element)) return null;
  /** @type {HTMLInputElement | null} */
  const field = target.closest("input, textarea, select, [contenteditable]");
  return field && !NOT_TYPED_INTO.includes(field.type) ? field : null;
}

/**
 * Whether an input method is composing a character out of this key and others.
 * @param {KeyboardEvent} event
 */
export function isComposed(event) {
  return event.isComposing || event.keyCode === 229;
}

/**
 * Whether the key writes a text, and so answers nothing.
 * @param {KeyboardEvent} event
 */
export function isTyped(event) {
  return isComposed(event) || Boolean(fieldOf(event));
}
