// Sends what the outbox holds, one request at a time, until it is empty; sending again is harmless.
const RETRY_MS = [300, 1_000, 2_000, 4_000];

class Sender {
  constructor(outbox, server, tab, heard) {
    Object.assign(this, { outbox, server, tab, heard, retries: 0, alive: true });
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
      for (let entries; this.alive && (entries = this.outbox.entries().slice(0, 50)).length;) {
        this.heard.unsent();
        const reply = await this.server.post("answers", { tab: this.tab, answers: entries });
        this.retries = 0;
        const items = new Map(entries.map((entry) => [entry.request_id, entry.item_id]));
        for (const receipt of reply.receipts) {
          if (receipt.ok) this.outbox.remove(receipt.request_id);
          else this.outbox.setAside(receipt.request_id);
          this.heard.receipt(receipt, items.get(receipt.request_id));
        }
        this.heard.progress(reply.progress);
      }
    } catch (error) {
      if (error.said) this.heard.trouble(error.message);
      this.retry = setTimeout(() => this.flush(), RETRY_MS[Math.min(this.retries++, RETRY_MS.length - 1)]);
    }
    this.busy = false;
    this.heard.unsent();
  }
}
