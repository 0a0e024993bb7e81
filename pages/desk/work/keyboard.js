// What each key does at the desk, wherever the focus is on the page around it.
import { ACTIONS, fieldOf, isTyped, keyOf } from "../base/keys.js";
/** @import { Desk } from "../desk.js" */

export class Keyboard {
  /** @param {Desk} desk */
  constructor(desk) {
    this.desk = desk;
    /** @type {(event: KeyboardEvent) => void} */
    this.onKey = (event) => this.key(event);
    window.addEventListener("keydown", this.onKey, true);  // before Streamlit's own shortcuts
  }

  stop() {
    window.removeEventListener("keydown", this.onKey, true);
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    if (isTyped(event)) this.leaveField(event);
    else if (this.isAnswered(event)) {
      event.preventDefault();
      event.stopPropagation();
    }
  }

  /**
   * Whether the key did something, and so means nothing to the page around the desk.
   * @param {KeyboardEvent} event
   */
  isAnswered(event) {
    const { grid, guide, stage, whyPanel } = this.desk;
    if (this.dialogIsOpen() || whyPanel.holds(event) || guide.holds(event)) return false;
    if (!grid && stage.key(event)) return true;  // also held keys, and Ctrl+F
    if (event.repeat || event.ctrlKey || event.metaKey || event.altKey) return false;
    const key = keyOf(event);
    const target = event.composedPath()[0];
    const button = target instanceof Element ? target.closest("button, a, summary") : null;
    if ((key === "enter" || key === " ") && button?.matches(":focus-visible")) return false;  // it is pressed by that key
    return grid ? grid.key(key) : this.act(key);
  }

  /**
   * Enter and Escape end the typing in a field of the page around the desk, so that keys label again without a click.
   * @param {KeyboardEvent} event
   */
  leaveField(event) {
    const field = fieldOf(event);
    if (!field || event.isComposing || !["Enter", "Escape"].includes(event.key)) return;
    if (field.tagName === "INPUT" && !this.desk.element.contains(field)) setTimeout(() => field.blur());
  }

  /**
   * Whether the key did something.
   * @param {string} key
   */
  act(key) {
    const { actions, answers, bar, guide, several, stage, whyPanel } = this.desk;
    const name = bar.byKey(key);
    if (name !== null) {
      if (stage.hasItem) answers.choose(name);
      return true;
    }
    const run = {
      undo: () => answers.undo(),
      skip: () => answers.give("skip", null),
      flag: () => answers.flag(),
      unsure: () => stage.hasItem && actions.setUnsure(!actions.isUnsure),
      why: () => whyPanel.toggle(stage.item),
      guidelines: () => guide.desk.data.guidelines.digest ? guide.toggle() : false,
      fullScreen: () => this.desk.fullScreen.toggle(),
      search: () => bar.focusSearch(),
      confirm: () => several && answers.confirm(),
      back: () => this.desk.stepBack(),
    }[ACTIONS[key]];
    return Boolean(run) && run() !== false;
  }

  dialogIsOpen() {
    const own = this.desk.element.querySelector("dialog[open]");
    return Boolean(own || document.querySelector("dialog[open], [role=dialog]"));
  }
}
