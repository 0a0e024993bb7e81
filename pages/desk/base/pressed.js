// When a person last pressed a key or a button. A busy machine tells a press late, when the next item may be there
// already: which item it was meant for, its own time says.
export const pressed = { at: -Infinity };

for (const kind of ["keydown", "click"]) {
  window.addEventListener(kind, (event) => { pressed.at = event.timeStamp; }, true);
}
