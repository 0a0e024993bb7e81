// Which key does what. What is typed into a field, composed by an input method, or held down is never an answer.
const ACTIONS = {
  u: "undo", backspace: "undo", s: "skip", f: "flag", n: "unsure", w: "why", g: "guidelines", "/": "search",
  enter: "confirm", escape: "back",
};
const CLASS_KEYS = "1234567890qertyiopadhjklzxcvbm";  // without those of the actions

// The key of each class: its own, or the next one that is free; the last of many classes have none.
function classKeys(classes) {
  const own = new Set(classes.map((one) => one.key).filter(Boolean));
  const free = [...CLASS_KEYS].filter((key) => !own.has(key));
  return classes.map((one) => one.key || free.shift() || "");
}

// The key as it stands on the keyboard: with the Hangul layout on, Q gives ㅂ.
function keyOf(event) {
  if (/^[\u3131-\u318e\uac00-\ud7a3]$/.test(event.key) && /^Key[A-Z]$/.test(event.code)) {
    return event.code[3].toLowerCase();
  }
  return event.key.toLowerCase();
}

const NOT_TYPED_INTO = ["checkbox", "radio", "button", "submit", "reset", "range", "file", "color"];

function fieldOf(event) {
  const target = event.composedPath()[0];
  const field = target instanceof Element && target.closest("input, textarea, select, [contenteditable]");
  return field && !NOT_TYPED_INTO.includes(field.type) ? field : null;
}

function isTyped(event) {
  return event.isComposing || event.keyCode === 229 || Boolean(fieldOf(event));
}
