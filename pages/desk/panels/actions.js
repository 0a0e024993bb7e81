// The buttons of everything that is not a class, each with its key.
import { make, makeButton } from "../base/dom.js";
import { t } from "../base/words.js";
import { openGrid } from "./grid.js";
/** @import { Desk } from "../desk.js" */

export class Actions {
  /**
   * @param {Element} parent
   * @param {Desk} desk
   */
  constructor(parent, desk) {
    this.element = make("div", "actions", parent);
    /** @type {(key: string, text: string, run: () => void, title?: string) => HTMLButtonElement} */
    const action = (key, text, run, title) => makeButton("action", this.element, { key, text, title, run });
    const confirm = desk.several ? action("Enter", t("Confirm"), () => desk.answers.confirm()) : null;
    this.undo = action("U", t("Undo"), () => desk.answers.undo());
    const skip = action("S", t("Skip"), () => desk.answers.give("skip", null), t("Somebody else may answer it."));
    this.unsure = action("N", t("Not sure"), () => this.setUnsure(!this.isUnsure),
      t("The answer counts, and is looked at again."));
    const flag = action("F", t("Flag"), () => desk.answers.flag(), t("For the project lead, with a note."));
    const why = action("W", t("Why this?"), () => desk.whyPanel.toggle(desk.stage.item));
    if (desk.data.guidelines.digest) action("G", t("Guidelines"), () => desk.guide.toggle());
    if (desk.data.grid) action("", t("Many at once"), () => openGrid(desk));
    action("", t("Break"), () => desk.takeBreak(), t("Returns your items and stops the clock."));
    this.ofItem = [confirm, skip, this.unsure, flag, why].filter(Boolean);
    this.setUnsure(false);
  }

  /** @param {boolean} on */
  setUnsure(on) {
    this.isUnsure = on;
    this.unsure.setAttribute("aria-pressed", String(on));
  }

  /**
   * @param {boolean} hasItem whether there is an item to answer
   * @param {boolean} canUndo whether there is an answer to take back
   */
  enable(hasItem, canUndo) {
    for (const button of this.ofItem) button.disabled = !hasItem;
    this.undo.disabled = !canUndo;
  }
}
