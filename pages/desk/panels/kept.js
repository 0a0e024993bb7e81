// Answers that the server did not take, or that were never sent to a project that is gone: kept in this browser until a
// person has dealt with them.
import { make, makeButton } from "../base/dom.js";
import { t } from "../base/words.js";
/** @import { KeptAnswer } from "../base/types.js" */
/** @import { Desk } from "../desk.js" */

/** @type {(project: string) => string} */
const nameOf = (project) => `labeler/name/${project}`;  // where the browser keeps a project's name for later

export class KeptAnswers {
  /**
   * @param {Element} parent
   * @param {Desk} desk
   */
  constructor(parent, desk) {
    this.desk = desk;
    this.element = make("div", "kept", parent);
    this.element.setAttribute("role", "status");
    try {
      localStorage.setItem(nameOf(desk.data.project), desk.data.name);
    } catch { /* a full storage: the project is called by its uid then */ }
    this.update();
  }

  // Ask which other projects that this browser keeps answers for are gone.
  async lookForFormer() {
    const others = this.desk.outbox.others();
    if (!others.length) return;
    try {
      const { projects } = await this.desk.server.post("gone", { projects: others.slice(0, 1000) });
      this.desk.outbox.gone = new Set(projects);
    } catch {
      return;  // the next desk asks again
    }
    this.update();
  }

  update() {
    const n = this.desk.outbox.kept().length;
    this.element.replaceChildren();
    if (n) makeButton("action", this.element, { text: t("Answers that were not stored: {n}", { n }), run: () => this.open() });
  }

  open() {
    const dialog = this.desk.dialog("kept-answers", t("Answers that were not stored"));
    make("h2", "", dialog, t("Answers that were not stored"));
    make("p", "hint", dialog, t("They are kept in this browser only. Answer the items again if they are still asked, or copy the answers for the project lead."));
    const list = make("ul", "", dialog);
    for (const kept of this.desk.outbox.kept()) this.row(list, kept, () => !list.children.length && dialog.close());
    const row = make("div", "actions", dialog);
    const copy = makeButton("action confirm", row, { text: t("Copy all"), run: async () => {
      await copyText(this.desk.outbox.kept().map((kept) => this.asLine(kept)).join("\n"), dialog);
      copy.lastElementChild.textContent = t("Copied");
    } });
    makeButton("action", row, { text: t("Close"), run: () => dialog.close() });
  }

  /**
   * @param {Element} list
   * @param {KeptAnswer} kept
   * @param {() => void} dismissed
   */
  row(list, kept, dismissed) {
    const row = make("li", "", list);
    const about = make("div", "", row);
    make("strong", "", about, `${t("Item {id}", { id: String(kept.answer.item_id) })}: ${inWords(kept)}`);
    make("p", "why-similarity", about, this.at(kept));
    make("p", "", about, this.reason(kept));
    makeButton("action", row, { text: t("Dismiss"), run: () => {
      this.desk.outbox.dismiss(kept.name);
      row.remove();
      this.update();
      dismissed();
    } });
  }

  /** @param {KeptAnswer} kept */
  reason({ project, isGone, answer }) {
    if (answer.reason) return t("Refused: {reason}", { reason: answer.reason });
    if (!isGone) return t("The server refused it.");
    const name = localStorage.getItem(nameOf(project)) ?? project;
    return t("It was never sent: the project “{name}” is not here any more.", { name });
  }

  /** @param {KeptAnswer} kept */
  at({ answer }) {
    return new Date(Number(answer.request_id.split("-")[0])).toLocaleString(this.desk.data.language);
  }

  /**
   * A line for a table.
   * @param {KeptAnswer} kept
   */
  asLine(kept) {
    const { item_id: item, note } = kept.answer;
    const project = localStorage.getItem(nameOf(kept.project)) ?? kept.project;
    return [project, item, inWords(kept), note ?? "", this.at(kept), this.reason(kept)].join("\t");
  }
}

/** @param {KeptAnswer} kept */
function inWords({ answer: { action, label } }) {
  if (action === "skip") return t("skipped");
  if (action === "flag") return t("flagged");
  if (action === "undo") return t("taken back");
  return label.startsWith("[") ? JSON.parse(label).join(", ") || t("none of them") : label;
}

/**
 * @param {string} text
 * @param {Element} parent
 */
async function copyText(text, parent) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const field = make("textarea", "", parent);  // without TLS browsers have no clipboard but this
  field.value = text;
  field.select();
  document.execCommand("copy");
  field.remove();
}
