// The earlier answers of this annotator, as the strip shows them: those given in this tab, those that still wait in the
// outbox from before the page was loaded, and those that the server remembers.
import { forgetPicture } from "./media.js";
/** @import { GivenAnswer, Item, PastAnswer, Prediction, UnsentAnswer } from "../base/types.js" */

const MOST = 50;

export class EarlierAnswers {
  constructor() {
    /** @type {GivenAnswer[]} */
    this.entries = [];  // the latest last
    /** @type {Set<string | number>} */
    this.takenBack = new Set();  // answers that the server may still remember; by an earlier version, their items
  }

  get last() {
    return this.entries.at(-1);
  }

  /**
   * The latest answer to an item, if there is one.
   * @param {number} id
   */
  of(id) {
    return this.entries.find((entry) => entry.id === id);
  }

  /**
   * @param {Item} item
   * @param {UnsentAnswer} answer
   */
  add(item, { request_id: answer, action, label, unsure }) {
    this.put({ id: item.id, answer, item: item.answer ? undefined : item, media: item.media, action, label, unsure });
    if (this.entries.length > MOST) forgetPicture(this.entries.shift().item);
  }

  /** @param {GivenAnswer} entry that takes the place of an earlier answer to the same item */
  put(entry) {
    this.drop(entry.id);
    this.entries.push(entry);
    this.takenBack.delete(entry.id);
  }

  /**
   * @param {number} id of an item whose answer is taken back
   * @param {string} [answer] which one; another one of the same item stays
   */
  takeBack(id, answer) {
    if (!answer || this.of(id)?.answer === answer) this.drop(id);
    this.takenBack.add(answer ?? id);
  }

  /** @param {number} id */
  drop(id) {
    this.entries = this.entries.filter((entry) => entry.id !== id);
  }

  /**
   * What was answered before this page was loaded, and has not reached the server.
   * @param {UnsentAnswer[]} unsent in the order of answering
   */
  recallUnsent(unsent) {
    for (const { request_id: answer, item_id: id, action, label, unsure, undoes } of unsent) {
      if (action === "undo") this.takeBack(id, undoes);
      else this.put({ id, answer, action, label, unsure });
    }
  }

  /**
   * What the server remembers comes before the answers that this tab knows of itself.
   * @param {PastAnswer[]} history newest first
   * @param {Map<number, Prediction>} predictions that were shown after an answer, by item id
   */
  recall(history, predictions) {
    const past = history.filter(({ item_id: id, request_id: answer }) => (
      !this.of(id) && !this.takenBack.has(id) && !this.takenBack.has(answer))).reverse();
    this.entries.unshift(...past.map(({ item_id: id, request_id: answer, media, action, label, unsure }) => (
      { id, answer, media, action, label, unsure, prediction: predictions.get(id) })));
  }
}
