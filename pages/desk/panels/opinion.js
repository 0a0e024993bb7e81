// What the model said, as far as this annotator may know: before the answer, after it, or never. What was known is
// stored with each answer.
class Opinion {
  constructor(parent, desk) {
    this.desk = desk;
    this.element = make("span", "opinion", parent);
    this.element.setAttribute("role", "status");
    this.told = new Map();  // item id → what the model had said
  }

  clear() {
    this.element.textContent = "";
  }

  // An item is shown: what is known of it; else what was said of the last answer stays where it belongs to one.
  about(item) {
    const known = item.prediction ?? (item.answer && this.told.get(item.id));
    if (known) this.element.textContent = t("The model: {label}, {percent} %", this.inPercent(known));
    else if (item.answer || this.desk.data.reveal !== "after") this.clear();
  }

  afterAnswer(prediction, label) {
    this.element.textContent = prediction.label === label
      ? t("Your last answer: the model said the same.")
      : t("Your last answer: the model had said {label} ({percent} %). U takes it back.", this.inPercent(prediction));
  }

  // How an answer to this item is stored: what was known before it.
  knownOf(item) {
    return item.prediction ? "before" : this.told.has(item.id) ? "after" : "never";
  }

  inPercent({ label, confidence }) {
    return { label: this.desk.said(label), percent: Math.round(100 * confidence) };
  }
}
