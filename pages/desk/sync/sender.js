// Sends what the outbox holds, one request at a time, until it is empty; sending again is harmless.
/** @import { Posting, Progress, Receipt, Receipts } from "../base/types.js" */
/** @import { Outbox } from "./outbox.js" */

const RETRY_MS = [300, 1_000, 2_000, 4_000];
const AT_ONCE = 50;  // answers of a request

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
        /** @type {Receipts} */
        const reply = await this.server.post("answers", { tab: this.tab, answers: entries });
        this.retries = 0;
        const items = new Map(entries.map((entry) => [entry.request_id, entry.item_id]));
        for (const receipt of reply.receipts) {
          if (receipt.ok) this.outbox.remove(receipt.request_id);
          else this.outbox.setAside(receipt.request_id);
          this.events.receipt(receipt, items.get(receipt.request_id));
        }
        this.events.progress(reply.progress);
      }
    } catch (error) {
      if (error.fromServer) this.events.trouble(error.message);
      this.retry = setTimeout(() => this.flush(), RETRY_MS[Math.min(this.retries++, RETRY_MS.length - 1)]);
    }
    this.busy = false;
    this.events.unsent();
  }
}
