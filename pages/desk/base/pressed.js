// When a person last pressed a key or a button. A busy machine tells a press late, when the next item may be there
// already: which item it was meant for, its own time says.
export const TOO_SOON_MS = 120;  // what was visible for less cannot have been looked at

let pressedAt = -Infinity;
for (const kind of ["keydown", "click"]) {
  window.addEventListener(kind, (event) => { pressedAt = event.timeStamp; }, true);
}

/**
 * Whether the last press was made before anybody could look at what is shown.
 * @param {number} shownAt
 * @param {number} [ms] that a look takes
 */
export function isTooSoon(shownAt, ms = TOO_SOON_MS) {
  return pressedAt - shownAt < ms;
}
