// Answers that the server has not acknowledged yet. Each is an entry of its own in localStorage, so that two tabs cannot
// overwrite each other's. The names of the entries sort in the order of answering. They carry the project's uid, so that
// no answer reaches a project that was made later under the same name.
/** @import { Answer, KeptAnswer, UnsentAnswer } from "../base/types.js" */

const OUTBOX = "labeler/outbox/";
const REFUSED = "labeler/denied/";  // no longer than the other: what is set aside has room where it was
const REFUSED_BEFORE = "labeler/refused/";  // by an earlier version, which kept neither reason nor project

/** @typedef {{name: string, project: string, annotator: string, id: string}} Entry the name of an entry and its parts */

export class Outbox {
  /**
   * @param {string} project uid
   * @param {string} annotator
   * @param {{project: string, since: number | null}} [before] the name under which earlier versions kept answers for the
   *   project, and when it was made: what is older was meant for another one. null: nothing under that name is its own
   */
  constructor(project, annotator, before = { project: "", since: null }) {
    this.project = project;
    this.annotator = annotator;
    this.before = before;
    this.owner = `${project}/${encodeURIComponent(annotator)}/`;
    this.count = 0;
    /** @type {Set<string>} */
    this.gone = new Set();  // other projects that are not on the server any more
  }

  /**
   * Keep an answer; throws if the browser has no room for it.
   * @param {Answer} answer
   * @returns {UnsentAnswer}
   */
  add(answer) {
    const order = `${String(Date.now()).padStart(15, "0")}-${String(this.count++).padStart(6, "0")}`;
    const entry = { ...answer, request_id: `${order}-${crypto.getRandomValues(new Uint32Array(2)).join("")}` };
    localStorage.setItem(OUTBOX + this.owner + entry.request_id, JSON.stringify(entry));
    return entry;
  }

  /**
   * All unsent answers of this annotator, of every tab, in the order of answering.
   * @returns {UnsentAnswer[]}
   */
  entries() {
    return this.named(OUTBOX).filter((entry) => this.isOwn(entry)).sort((a, b) => (a.id < b.id ? -1 : 1))
      .map(({ name }) => JSON.parse(localStorage.getItem(name)))
      .filter(Boolean);  // null: another tab has just removed it
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
    const unsent = this.named(OUTBOX).filter((entry) => !this.isOwn(entry) && isFormer(entry));
    const earlier = Object.keys(localStorage).filter((name) => name.startsWith(REFUSED_BEFORE))
      .map((name) => ({ name, project: this.project, id: name.slice(REFUSED_BEFORE.length) }));
    return [...refused, ...unsent, ...earlier].sort((a, b) => (a.id < b.id ? -1 : 1)).map(({ name, project }) => ({
      name, project, isGone: project !== this.project, answer: JSON.parse(localStorage.getItem(name)),
    }));
  }

  /** @param {string} name of a kept answer that a person has dealt with */
  dismiss(name) {
    localStorage.removeItem(name);
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
    }).filter(({ annotator }) => annotator === this.annotator || annotator === encodeURIComponent(this.annotator));
  }

  /**
   * Whether an entry is for this project.
   * @param {Entry} entry
   */
  isOwn({ project, annotator, id }) {
    if (project === this.project) return annotator === encodeURIComponent(this.annotator);
    const { project: name, since } = this.before;
    return since !== null && project === name && annotator === this.annotator && Number(id.split("-")[0]) >= since;
  }

  /** @param {string} requestId */
  unsent(requestId) {
    return this.named(OUTBOX).filter((entry) => entry.id === requestId && this.isOwn(entry));
  }
}
