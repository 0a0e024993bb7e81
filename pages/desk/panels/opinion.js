// What the model said, as far as this annotator may know: before the answer, after it, or never. What was known is
// stored with each answer.
import { make } from "../base/dom.js";
import { t } from "../base/words.js";
/** @import { Item, Prediction, Reveal } from "../base/types.js" */
/** @import { Desk } from "../desk.js" */

export class Opinion {
  /**
   * @param {Element} parent
   * @param {Desk} desk
   */
  constructor(parent, desk) {
    this.desk = desk;
    this.element = make("span", "opinion", parent);
    this.element.setAttribute("role", "status");
    /** @type {Map<number, Prediction>} */
    this.shown = new Map();  // by item id: predictions that this annotator was shown after an answer
  }

  clear() {
    this.element.textContent = "";
  }

  /**
   * An item is shown: its prediction, as far as it is known; else the line about the last answer stays, if there is one.
   * @param {Item} item
   */
  about(item) {
    const prediction = item.prediction ?? (item.answer && this.shown.get(item.id));
    if (prediction) this.element.textContent = t("The model: {label}, {percent}%", this.inPercent(prediction));
    else if (item.answer || this.desk.data.reveal !== "after") this.clear();
  }

  /**
   * @param {Prediction} prediction
   * @param {string | null} label that was answered
   */
  afterAnswer(prediction, label) {
    this.element.textContent = prediction.label === label
      ? t("Your last answer: the model said the same.")
      : t("Your last answer: the model had said {label} ({percent}%). U takes it back.", this.inPercent(prediction));
  }

  /**
   * What is stored with an answer to this item: whether its prediction was known before.
   * @param {Item} item
   * @returns {Reveal}
   */
  revealOf(item) {
    return item.prediction ? "before" : this.shown.has(item.id) ? "after" : "never";
  }

  /** @param {Prediction} prediction */
  inPercent({ label, confidence }) {
    return { label: this.desk.labelText(label), percent: Math.round(100 * confidence) };
  }
}
