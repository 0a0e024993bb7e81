// Answers that the server has not acknowledged yet. Each is an entry of its own in localStorage, so that two tabs cannot
// overwrite each other's. The names of the entries sort in the order of answering.
/** @import { Answer, UnsentAnswer } from "../base/types.js" */

export class Outbox {
  /**
   * @param {string} project
   * @param {string} annotator
   */
  constructor(project, annotator) {
    this.prefix = `labeler/outbox/${project}/${annotator}/`;
    this.count = 0;
  }

  /**
   * Keep an answer; throws if the browser has no room for it.
   * @param {Answer} answer
   * @returns {UnsentAnswer}
   */
  add(answer) {
    const order = `${String(Date.now()).padStart(15, "0")}-${String(this.count++).padStart(6, "0")}`;
    const entry = { ...answer, request_id: `${order}-${crypto.getRandomValues(new Uint32Array(2)).join("")}` };
    localStorage.setItem(this.prefix + entry.request_id, JSON.stringify(entry));
    return entry;
  }

  /**
   * All unsent answers of this annotator, of every tab, in the order of answering.
   * @returns {UnsentAnswer[]}
   */
  entries() {
    return Object.keys(localStorage).filter((name) => name.startsWith(this.prefix)).sort()
      .map((name) => JSON.parse(localStorage.getItem(name)))
      .filter(Boolean);  // null: another tab has just removed it
  }

  /** @param {string} requestId */
  remove(requestId) {
    localStorage.removeItem(this.prefix + requestId);
  }

  /**
   * Keep a refused answer apart, for a person to look at; it must not hold up the others.
   * @param {string} requestId
   */
  setAside(requestId) {
    const entry = localStorage.getItem(this.prefix + requestId);
    this.remove(requestId);  // first: a full storage has room for the entry again, under a shorter name
    if (entry !== null) localStorage.setItem(`labeler/refused/${requestId}`, entry);
  }
}
