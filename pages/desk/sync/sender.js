// Sends what the outbox holds, one request at a time, until it is empty; sending again is harmless. Where a request fails
// because of what is in it, it is halved again and again, so that one bad answer holds up no other.
/** @import { Posting, Progress, Receipt, Receipts, ServerError, UnsentAnswer } from "../base/types.js" */
/** @import { Outbox } from "./outbox.js" */

const RETRY_MS = [300, 1_000, 2_000, 4_000];
const AT_ONCE = 50;  // answers of a request
const UNFIT = [400, 413, 422];  // replies to a request that will never be taken as it is
const BROKEN = 500;             // and to one over which the server failed; it may be one answer that it fails over
const MOST_BROKEN = 3;          // one after the other: then it is the server

/**
 * What the sender reports.
 * @typedef {object} SenderEvents
 * @property {() => void} unsent the number of unsent answers may have changed
 * @property {(receipt: Receipt, itemId: number) => void} receipt
 * @property {(progress: Progress) => void} progress
 * @property {(text: string) => void} trouble
 */

export class Sender {
  /**
   * @param {Outbox} outbox
   * @param {Posting} server
   * @param {string} tab
   * @param {SenderEvents} events
   */
  constructor(outbox, server, tab, events) {
    this.outbox = outbox;
    this.server = server;
    this.tab = tab;
    this.events = events;
    this.retries = 0;
    this.refused = false;  // whether the latest failure was a refusal by the server
    this.alive = true;
    this.busy = false;
    this.broken = 0;       // answers that the server failed over since it took one
    /** @type {Set<number>} */
    this.held = new Set();  // ids of their items: what was answered later does not overtake them
  }

  stop() {
    this.alive = false;
    clearTimeout(this.retry);
  }

  async flush() {
    if (this.busy) return;
    this.busy = true;
    clearTimeout(this.retry);
    this.held.clear();
    this.broken = 0;
    /** @type {ServerError | null} */
    this.failure = null;  // over an answer that is held
    try {
      for (let entries; this.alive && (entries = this.open(this.outbox.entries()).slice(0, AT_ONCE)).length;) {
        this.events.unsent();
        await this.send(entries);
      }
      if (this.failure) throw this.failure;
    } catch (error) {
      this.refused = Boolean(error.fromServer);
      if (error.fromServer) this.events.trouble(error.message);
      const wait = RETRY_MS[Math.min(this.retries++, RETRY_MS.length - 1)];
      this.retry = setTimeout(() => this.flush(), Math.max(wait, error.retryAfter ?? 0));
    }
    this.busy = false;
    this.events.unsent();
  }

  /**
   * Those that no held answer comes before.
   * @param {UnsentAnswer[]} entries
   */
  open(entries) {
    return entries.filter((entry) => !this.held.has(entry.item_id));
  }

  /**
   * Send answers; where the server fails because of them, in halves, so that only the wrong one is set aside or held.
   * @param {UnsentAnswer[]} answers
   */
  async send(answers) {
    const entries = this.open(answers);
    if (!entries.length) return;
    /** @type {Receipts} */
    let reply;
    try {
      reply = await this.server.post("answers", { tab: this.tab, answers: entries });
    } catch (error) {
      if (!UNFIT.includes(error.status) && error.status !== BROKEN) throw error;
      if (entries.length > 1) {
        const half = Math.ceil(entries.length / 2);
        await this.send(entries.slice(0, half));
        await this.send(entries.slice(half));
      } else if (error.status === BROKEN) this.hold(entries[0], error);
      else this.take({ request_id: entries[0].request_id, ok: false, reason: error.message, prediction: null }, entries);
      return;
    }
    if (!reply.receipts.length) throw new Error("no receipt");
    if (!this.held.size) this.retries = 0;
    this.broken = 0;
    for (const receipt of reply.receipts) this.take(receipt, entries);
    this.events.progress(reply.progress);
  }

  /**
   * Keep an answer for later that the server failed over; the others go on.
   * @param {UnsentAnswer} entry
   * @param {ServerError} error
   */
  hold(entry, error) {
    if (++this.broken >= MOST_BROKEN) throw error;
    this.failure = error;
    this.held.add(entry.item_id);
  }

  /**
   * @param {Receipt} receipt
   * @param {UnsentAnswer[]} entries that were sent
   */
  take(receipt, entries) {
    if (receipt.ok) this.outbox.remove(receipt.request_id);
    else this.outbox.setAside(receipt.request_id, receipt.reason);
    this.events.receipt(receipt, entries.find((entry) => entry.request_id === receipt.request_id)?.item_id);
  }
}
