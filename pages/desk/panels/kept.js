// Answers that the server did not take, or that were never sent to a project that is gone: kept in this browser until a
// person has dealt with them. Those that the server did not take are shown to the project lead, too.
import { make, makeButton } from "../base/dom.js";
import { t } from "../base/words.js";
/** @import { KeptAnswer, UnsentAnswer } from "../base/types.js" */
/** @import { Desk } from "../desk.js" */

const FIRST_TIME = 1e12;  // milliseconds; what is less is no time, but the number of an answer

/** @type {(project: string) => string} */
const nameOf = (project) => `labeler/name/${project}`;  // where the browser keeps a project's name for later

export class KeptAnswers {
  /**
   * @param {Element} parent
   * @param {Desk} desk
   */
  constructor(parent, desk) {
    this.desk = desk;
    this.isTelling = false;
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

  // Ask which of the refused answers are stored by now, or were discarded by the project lead.
  async lookForSettled() {
    const own = this.desk.outbox.kept().filter(({ isGone }) => !isGone);
    if (!own.length) return;
    try {
      const { settled } = await this.desk.server.post("kept", { requests: own.map(({ id }) => id).slice(0, 1000) });
      for (const { id, name } of own) if (settled.includes(id)) this.desk.outbox.dismiss(name);
    } catch {
      return;  // the next desk asks again
    }
    this.update();
  }

  // Tell the server which answers were given up, so that the lead is not shown them any more.
  async tellDismissed() {
    const dismissed = this.desk.outbox.givenUp().slice(0, 1000);
    if (!dismissed.length || this.isTelling) return;
    this.isTelling = true;
    try {
      await this.desk.server.post("kept", { dismissed });
      this.desk.outbox.told(dismissed);
    } catch { /* it is told once the server replies again, or by the next desk */ }
    this.isTelling = false;
  }

  update() {
    const n = this.desk.outbox.kept().length;
    this.element.replaceChildren();
    if (n) makeButton("action", this.element, { text: t("Answers that were not stored: {n}", { n }), run: () => this.open() });
  }

  open() {
    const dialog = this.desk.dialog("kept-answers", t("Answers that were not stored"));
    make("h2", "", dialog, t("Answers that were not stored"));
    make("p", "hint", dialog, t("They are kept in this browser. The project lead sees those that the server refused, and can store them. Send an answer again once the reason is gone, or dismiss it."));
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
    make("strong", "", about, inWords(kept));
    if (kept.answer?.note) make("p", "", about, kept.answer.note);
    make("p", "why-similarity", about, this.at(kept));
    make("p", "", about, this.reason(kept));
    const buttons = make("div", "kept-buttons", row);
    const gone = () => {
      row.remove();
      this.update();
      dismissed();
    };
    if (kept.answer && !kept.isGone) makeButton("action", buttons, { text: t("Send again"), run: () => {
      if (!this.desk.outbox.sendAnew(kept)) return;
      gone();
      this.desk.sender?.flush();
    } });
    makeButton("action", buttons, { text: t("Dismiss"), run: () => {
      this.desk.outbox.giveUp(kept);
      this.tellDismissed();
      gone();
    } });
  }

  /** @param {KeptAnswer} kept */
  reason({ project, isGone, answer }) {
    if (!answer) return t("This entry of the browser's storage is damaged and cannot be sent.");
    if (answer.reason) return t("Refused: {reason}", { reason: answer.reason });
    if (!isGone) return t("The server refused it.");
    const name = localStorage.getItem(nameOf(project)) ?? project;
    return t("It was never sent: the project “{name}” is not here any more.", { name });
  }

  /** @param {KeptAnswer} kept */
  at({ answer, id }) {
    const time = answer?.at ?? Number(id.split("-")[0]);  // earlier versions named answers by the time
    return time > FIRST_TIME ? new Date(time).toLocaleString(this.desk.data.language) : "";
  }

  /**
   * A line for a table.
   * @param {KeptAnswer} kept
   */
  asLine(kept) {
    const project = localStorage.getItem(nameOf(kept.project)) ?? kept.project;
    const what = kept.answer ? [kept.answer.item_id, labelInWords(kept.answer), kept.answer.note ?? ""] : ["", kept.text, ""];
    return [project, ...what, this.at(kept), this.reason(kept)].join("\t");
  }
}

/** @param {KeptAnswer} kept */
function inWords({ answer, text }) {
  if (!answer) return text.slice(0, 200);
  return `${t("Item {id}", { id: String(answer.item_id) })}: ${labelInWords(answer)}`;
}

/** @param {UnsentAnswer} answer */
function labelInWords({ action, label }) {
  if (action === "skip") return t("skipped");
  if (action === "flag") return t("flagged");
  if (action === "undo") return t("taken back");
  try {
    return String(label).startsWith("[") ? JSON.parse(label).join(", ") || t("none of them") : String(label);
  } catch {
    return String(label);
  }
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
