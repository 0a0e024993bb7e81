// The strip of earlier answers, the latest first; a click brings an item back to be looked at or answered anew.
import { make, makeButton } from "../base/dom.js";
import { t } from "../base/words.js";
import { Thumbnails } from "./thumbnails.js";
/** @import { GivenAnswer } from "../base/types.js" */
/** @import { Desk } from "../desk.js" */

const STRIP = 10;

export class History {
  /**
   * @param {Element} parent
   * @param {Desk} desk
   */
  constructor(parent, desk) {
    this.desk = desk;
    this.element = make("ol", "history", parent);
    this.element.setAttribute("aria-label", t("Your latest answers"));
    /** @type {Map<number, HTMLButtonElement>} */
    this.chips = new Map();  // by item id
    this.thumbnails = desk.data.images ? new Thumbnails(desk.server) : null;
  }

  /** @param {GivenAnswer[]} entries the latest last */
  draw(entries) {
    const latest = entries.slice(-STRIP).reverse();
    this.chips.clear();
    this.element.replaceChildren(...latest.map((entry) => this.chip(entry)));
  }

  /** @param {Set<number>} ids of the items whose answer the server has not acknowledged */
  mark(ids) {
    for (const [id, chip] of this.chips) chip.classList.toggle("waiting", ids.has(id));
  }

  /** @param {GivenAnswer} entry */
  chip(entry) {
    const place = make("li", "");
    const text = this.inWords(entry);
    const button = makeButton("chip", place, { text, run: () => this.desk.answers.revisit(entry.id) });
    this.chips.set(entry.id, button);
    this.thumbnails?.place(entry, button);
    if (this.thumbnails) button.prepend(button.lastElementChild);
    const colour = this.desk.data.classes.find((detail) => detail.name === entry.label)?.colour;
    if (colour) button.style.setProperty("--colour", colour);
    button.classList.toggle("unsure", Boolean(entry.unsure));
    const model = entry.prediction;
    if (model && entry.label !== null) {
      const agrees = model.label === entry.label;
      make("span", agrees ? "agrees" : "differs", button, agrees ? "✓" : "≠");
      button.title = agrees ? t("The model says the same.") : t("The model says {label}.", { label: model.label });
    }
    button.setAttribute("aria-label", t("Change the answer {answer}", { answer: text }));
    return place;
  }

  /** @param {GivenAnswer} entry */
  inWords(entry) {
    if (entry.action === "skip") return t("skipped");
    if (entry.action === "flag") return t("flagged");
    const label = this.desk.labelText(entry.label);
    return entry.unsure ? `${label} ?` : label;
  }
}
