// What the model said, and somebody else's models beside it, as far as this annotator may know: before the answer, after
// it, or never. What was known is stored with each answer.
import { make } from "../base/dom.js";
import { t } from "../base/words.js";
/** @import { Item, ModelSays, Prediction, Reveal } from "../base/types.js" */
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
    /** @type {Map<number, ModelSays[]>} */
    this.others = new Map();  // the same of somebody else's models
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
    const others = item.others?.length ? item.others : (item.answer && this.others.get(item.id)) ?? [];
    const said = others.map((model) => this.ofModel(model));
    if (prediction) said.unshift(t("The model: {label}, {percent}%", this.inPercent(prediction)));
    if (said.length) this.element.textContent = said.join(" · ");
    else if (item.answer || this.desk.data.reveal !== "after") this.clear();
  }

  /**
   * @param {Prediction | null} prediction
   * @param {ModelSays[]} others
   * @param {string | null} label that was answered
   */
  afterAnswer(prediction, others, label) {
    const said = others.map((model) => this.ofModel(model)).join(" · ");
    const own = prediction ? this.beside(prediction, label) : t("Your last answer:");
    this.element.textContent = said ? `${own}${prediction ? " · " : " "}${said}` : own;
  }

  /**
   * @param {Prediction} prediction
   * @param {string | null} label that was answered
   */
  beside(prediction, label) {
    return prediction.label === label
      ? t("Your last answer: the model said the same.")
      : t("Your last answer: the model had said {label} ({percent}%). U takes it back.", this.inPercent(prediction));
  }

  /**
   * What is stored with an answer to this item: whether its prediction was known before.
   * @param {Item} item
   * @returns {Reveal}
   */
  revealOf(item) {
    if (item.prediction || item.others?.length) return "before";
    return this.shown.has(item.id) || this.others.has(item.id) ? "after" : "never";
  }

  /** @param {ModelSays} said */
  ofModel({ model, label, confidence }) {
    const values = { model, label: this.desk.labelText(label) };
    return confidence === null
      ? t("{model}: {label}", values)
      : t("{model}: {label}, {percent}%", { ...values, percent: Math.round(100 * confidence) });
  }

  /** @param {Prediction} prediction */
  inPercent({ label, confidence }) {
    return { label: this.desk.labelText(label), percent: Math.round(100 * confidence) };
  }
}
