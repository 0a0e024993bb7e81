// Sends what the outbox holds, one request at a time, until it is empty; sending again is harmless.
/** @import { Posting, Progress, Receipt, Receipts, UnsentAnswer } from "../base/types.js" */
/** @import { Outbox } from "./outbox.js" */

const RETRY_MS = [300, 1_000, 2_000, 4_000];
const AT_ONCE = 50;  // answers of a request
const UNFIT = [400, 413, 422];  // replies to a request that will never be taken as it is

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
  }

  stop() {
    this.alive = false;
    clearTimeout(this.retry);
  }

  async flush() {
    if (this.busy) return;
    this.busy = true;
    clearTimeout(this.retry);
    try {
      for (let entries; this.alive && (entries = this.outbox.entries().slice(0, AT_ONCE)).length;) {
        this.events.unsent();
        await this.send(entries);
      }
    } catch (error) {
      this.refused = Boolean(error.fromServer);
      if (error.fromServer) this.events.trouble(error.message);
      this.retry = setTimeout(() => this.flush(), RETRY_MS[Math.min(this.retries++, RETRY_MS.length - 1)]);
    }
    this.busy = false;
    this.events.unsent();
  }

  /**
   * Send answers; where the server cannot read the request, one at a time, so that only the wrong one is set aside.
   * @param {UnsentAnswer[]} entries
   */
  async send(entries) {
    /** @type {Receipts} */
    let reply;
    try {
      reply = await this.server.post("answers", { tab: this.tab, answers: entries });
    } catch (error) {
      if (!UNFIT.includes(error.status)) throw error;
      if (entries.length > 1) for (const entry of entries) await this.send([entry]);
      else this.take({ request_id: entries[0].request_id, ok: false, reason: error.message, prediction: null }, entries);
      return;
    }
    this.retries = 0;
    for (const receipt of reply.receipts) this.take(receipt, entries);
    this.events.progress(reply.progress);
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
