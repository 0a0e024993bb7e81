// Answers that the server has not acknowledged yet. Each is an entry of its own in localStorage, so that two tabs cannot
// overwrite each other's, and one that cannot be read harms no other. Their names begin with a number: each answer gets a
// higher one than all that its tab knows of, so that their order is that of answering, whatever the clock says. The names
// carry the project's uid, so that no answer reaches a project that was made later under the same name, and the number of
// the account, so that it finds its answers also under another name.
/** @import { Answer, KeptAnswer, UnsentAnswer } from "../base/types.js" */

const OUTBOX = "labeler/outbox/";
const REFUSED = "labeler/denied/";  // no longer than the other: what is set aside has room where it was
const DISMISSED = "labeler/dismissed/";  // given up, and the server does not know it yet
const REFUSED_BEFORE = "labeler/refused/";  // by an earlier version, which kept neither reason nor project

/** @typedef {{name: string, project: string, annotator: string, id: string}} Entry the name of an entry and its parts */

export class Outbox {
  /**
   * @param {string} project uid
   * @param {string} annotator
   * @param {number | null} [account] of the annotator, where there are accounts
   * @param {{project: string, since: number | null}} [before] the name under which earlier versions kept answers for the
   *   project, and when it was made: what is older was meant for another one. null: nothing under that name is its own
   */
  constructor(project, annotator, account = null, before = { project: "", since: null }) {
    this.project = project;
    this.annotator = annotator;
    this.account = account;
    this.before = before;
    this.owner = `${project}/${account === null ? encodeURIComponent(annotator) : `@${account}`}/`;
    this.latest = 0;  // number of an answer of this tab
    /** @type {Set<string>} */
    this.gone = new Set();  // other projects that are not on the server any more
  }

  /**
   * Keep an answer; throws if the browser has no room for it.
   * @param {Answer} answer
   * @returns {UnsentAnswer}
   */
  add(answer) {
    const numbers = [...this.named(OUTBOX), ...this.named(REFUSED)].map(({ id }) => numberOf(id));
    this.latest = Math.max(this.latest, ...numbers) + 1;
    const order = String(this.latest).padStart(15, "0");  // as long as a time, by which earlier versions ordered
    const entry = { ...answer, at: Date.now(), request_id: `${order}-${crypto.getRandomValues(new Uint32Array(2)).join("")}` };
    localStorage.setItem(OUTBOX + this.owner + entry.request_id, JSON.stringify(entry));
    return entry;
  }

  /**
   * All unsent answers of this annotator, of every tab, in the order of answering.
   * @returns {UnsentAnswer[]}
   */
  entries() {
    return this.named(OUTBOX).filter((entry) => this.isOwn(entry)).sort(inOrder)
      .map(read).filter(Boolean);  // null: it cannot be read, or another tab has just removed it
  }

  /** @param {string} requestId */
  remove(requestId) {
    for (const { name } of this.unsent(requestId)) localStorage.removeItem(name);
  }

  /**
   * Keep a refused answer apart, for a person to look at; it must not hold up the others.
   * @param {string} requestId
   * @param {string} [reason]
   */
  setAside(requestId, reason = "") {
    const [unsent] = this.unsent(requestId);
    const text = unsent && localStorage.getItem(unsent.name);
    this.remove(requestId);  // first: a full storage has room for the entry again
    if (!text) return;
    const name = REFUSED + unsent.name.slice(OUTBOX.length);
    try {
      localStorage.setItem(name, JSON.stringify({ ...JSON.parse(text), reason }));
    } catch {
      localStorage.setItem(name, text);
    }
  }

  // ------------------------------------------------------------ what is not sent any more

  /**
   * What was refused, and what was never sent to projects that are gone, in the order of answering.
   * @returns {KeptAnswer[]}
   */
  kept() {
    /** @type {(entry: Entry) => boolean} */
    const isFormer = ({ project }) => this.gone.has(project) || project === this.before.project;
    const refused = this.named(REFUSED).filter((entry) => this.isOwn(entry) || isFormer(entry));
    const unsent = this.named(OUTBOX).filter((entry) => (
      this.isOwn(entry) ? localStorage.getItem(entry.name) !== null && !read(entry) : isFormer(entry)));
    const earlier = Object.keys(localStorage).filter((name) => name.startsWith(REFUSED_BEFORE))
      .map((name) => ({ name, project: this.project, annotator: this.annotator, id: name.slice(REFUSED_BEFORE.length) }));
    return [...refused, ...unsent, ...earlier].sort(inOrder).map((entry) => ({
      name: entry.name,
      id: entry.id,
      project: entry.project,
      isGone: entry.project !== this.project,
      answer: read(entry),
      text: localStorage.getItem(entry.name) ?? "",
    }));
  }

  /**
   * Whether a refused answer waits to be sent once more.
   * @param {KeptAnswer} kept
   */
  sendAnew({ name, id, answer }) {
    const { reason: _reason, ...unsent } = answer;
    localStorage.removeItem(name);  // first: a full storage has room for the entry again
    try {
      localStorage.setItem(OUTBOX + this.owner + id, JSON.stringify(unsent));
    } catch {
      localStorage.setItem(name, JSON.stringify(answer));
      return false;
    }
    return true;
  }

  /** @param {string} name of a kept answer that a person has dealt with */
  dismiss(name) {
    localStorage.removeItem(name);
  }

  /**
   * Give a kept answer up, which the server is to hear of, whenever it can be reached.
   * @param {KeptAnswer} kept
   */
  giveUp({ name, id, isGone, answer }) {
    localStorage.removeItem(name);  // first: a full storage has room for the shorter entry
    if (answer && !isGone) localStorage.setItem(DISMISSED + this.owner + id, "");
  }

  // The ids of answers that were given up and of which the server does not know.
  givenUp() {
    return this.named(DISMISSED).filter((entry) => this.isOwn(entry)).map(({ id }) => id);
  }

  /** @param {string[]} ids of answers that the server knows to be given up */
  told(ids) {
    for (const { name, id } of this.named(DISMISSED)) if (ids.includes(id)) localStorage.removeItem(name);
  }

  // Other projects, by their uid or an earlier version's name, that answers of this annotator are kept for.
  others() {
    const projects = [...this.named(OUTBOX), ...this.named(REFUSED)].map(({ project }) => project);
    return [...new Set(projects)].filter((project) => project !== this.project && project !== this.before.project);
  }

  // ------------------------------------------------------------ names of entries

  /**
   * The entries of this annotator, for whatever project.
   * @param {string} kind
   * @returns {Entry[]}
   */
  named(kind) {
    return Object.keys(localStorage).filter((name) => name.startsWith(kind)).map((name) => {
      const [project, ...rest] = name.slice(kind.length).split("/");
      const id = rest.pop();
      return { name, project, annotator: rest.join("/"), id };
    }).filter(({ annotator }) => annotator === this.annotator || this.isOwnName(annotator));
  }

  /**
   * Whether a name in that of an entry is this annotator's: the account's, or that from before there were accounts.
   * @param {string} name
   */
  isOwnName(name) {
    if (this.account === null) return name === encodeURIComponent(this.annotator);
    return name === `@${this.account}` || name.toLowerCase() === encodeURIComponent(this.annotator).toLowerCase();
  }

  /**
   * Whether an entry is for this project.
   * @param {Entry} entry
   */
  isOwn({ project, annotator, id }) {
    if (project === this.project) return this.isOwnName(annotator);
    const { project: name, since } = this.before;
    return since !== null && project === name && annotator === this.annotator && numberOf(id) >= since;
  }

  /** @param {string} requestId */
  unsent(requestId) {
    return this.named(OUTBOX).filter((entry) => entry.id === requestId && this.isOwn(entry));
  }
}

/**
 * The number that an answer's id begins with; of an earlier version's answers, the time in milliseconds.
 * @param {string} id
 */
function numberOf(id) {
  const number = Number(id.split("-")[0]);
  return Number.isSafeInteger(number) ? number : 0;
}

/** @type {(a: Entry, b: Entry) => number} */
const inOrder = (a, b) => numberOf(a.id) - numberOf(b.id) || (a.id < b.id ? -1 : 1);

/**
 * The answer in an entry; null if it is not there, or is none.
 * @param {Entry} entry
 * @returns {UnsentAnswer & {reason?: string} | null}
 */
function read({ name, id }) {
  try {
    const answer = JSON.parse(localStorage.getItem(name));
    const isAnswer = typeof answer === "object" && answer !== null && "item_id" in answer && "action" in answer;
    return isAnswer ? { ...answer, request_id: id } : null;
  } catch {
    return null;
  }
}
