// The items that this tab holds: the current one, and those after it with their images loading. What the server says
// is what the tab holds; the server takes nothing back that this tab did not release.
const AHEAD = 20;               // items held
const REFILL_BELOW = 12;
const KEEP = 3;                 // items that stay when there is a newer ranking: the current one and the next two
const KEEP_WANTED = 2;          // and when somebody else has nothing to answer
const HEARTBEAT_MS = 15_000;    // well below the time after which a reservation runs out
const IDLE_POLL_MS = 2_000;

class Queue {
  constructor(server, outbox, tab, heard) {
    Object.assign(this, { server, outbox, tab, heard, alive: true, resting: false });
    this.items = [];            // after the current one
    this.current = null;
    this.first = null;          // id of an item that undo brings back to the front
    this.acts = new Map();      // item id → {turn, gone}: answered or taken back, and when
    this.released = new Set();  // ids that are not shown any more, for the server to give to others
    this.turn = 0;
    this.wanted = false;        // whether somebody else waits for an item
    this.heartbeat = setInterval(() => this.refill(), HEARTBEAT_MS);
  }

  stop() {
    this.alive = false;
    clearInterval(this.heartbeat);
    clearTimeout(this.poll);
    for (const item of [this.current, ...this.items]) forget(item);
  }

  next() {
    this.current = this.items.shift() ?? null;
    if (this.items.length < (this.wanted ? 1 : REFILL_BELOW)) this.refill();
    return this.current;
  }

  // Put items before the current one, which comes after them.
  back(...items) {
    if (this.current) this.items.unshift(this.current);
    this.current = null;
    this.items.unshift(...items);
  }

  // An item was answered (gone) or taken back: what the server says of it may be older than that.
  acted(id, gone) {
    this.acts.set(id, { turn: ++this.turn, gone });
  }

  // Give everything back, e.g. for a break.
  drop() {
    for (const item of [this.current, ...this.items]) forget(item);
    this.current = null;
    this.items = [];
    return this.server.post("leave", { tab: this.tab }, { keepalive: true }).catch(() => {});
  }

  later() {
    clearTimeout(this.poll);
    this.poll = setTimeout(() => this.refill(), IDLE_POLL_MS);
  }

  // Ask for items; also the heartbeat of those that are held.
  async refill() {
    if (this.busy || this.resting || !this.alive) return;
    this.busy = true;
    clearTimeout(this.poll);
    const asked = { turn: this.turn, unsent: this.outbox.entries() };
    const release = [...this.released];
    try {
      const n = this.wanted ? KEEP_WANTED : AHEAD;
      const reply = await this.server.post("reserve", { tab: this.tab, n, release, history: !this.started });
      if (!this.alive || this.resting) return;
      for (const id of release) this.released.delete(id);
      this.started = true;
      this.round = reply.progress.round;
      this.take(reply, asked);
      this.heard.arrived(reply);
      if (!this.current && !this.items.length) this.later();
    } catch (error) {
      if (error.said) this.heard.trouble(error.message);
      if (!this.current) this.later();
      return;
    } finally {
      this.busy = false;
    }
    if (this.released.size) this.refill();  // others come in their place
  }

  // What the server says in passing: a newer ranking knows better what to ask, and others may wait for items.
  heed(progress) {
    const news = progress.round !== this.round || (progress.wanted && this.items.length >= KEEP_WANTED);
    this.wanted = progress.wanted;
    if (news) this.refill();
  }

  // `asked` tells what the server could not know when it was asked: what was still unsent, even if it has been
  // stored meanwhile, and what was answered or taken back after that turn.
  take(reply, asked) {
    this.wanted = reply.progress.wanted;
    const unsent = [...asked.unsent, ...this.outbox.entries()];
    const gone = new Map(unsent.map((entry) => [entry.item_id, entry.action !== "undo"]));
    for (const [id, act] of this.acts) if (act.turn > asked.turn) gone.set(id, act.gone);
    const known = new Map([this.current, ...this.items].filter(Boolean).map((item) => [item.id, item]));
    const held = reply.items.filter((item) => !gone.get(item.id));
    const ids = new Set(held.map((item) => item.id));
    const kept = [...known.values()].filter((item) => ids.has(item.id) || gone.get(item.id) === false);
    const fresh = held.filter((item) => !known.has(item.id));
    let all = [...kept, ...fresh];
    if (this.first) {
      const at = all.findIndex((item) => item.id === this.first);
      if (at >= 0) all.unshift(...all.splice(at, 1));
      if (at >= 0 || !unsent.length) this.first = null;
    }
    // Labels that an older ranking asked for teach less. What a person took back is kept: it waits to be answered.
    const mine = (item) => this.acts.has(item.id);
    const stale = (item) => item.reason?.round < reply.progress.round && !mine(item);
    for (const item of all.slice(KEEP).filter(stale)) this.released.add(item.id);
    if (this.wanted) for (const item of all.slice(KEEP_WANTED)) if (!mine(item)) this.released.add(item.id);
    all = all.filter((item) => !this.released.has(item.id));
    for (const item of known.values()) if (!all.includes(item)) forget(item);
    if (!all.includes(this.current)) this.current = null;
    this.items = all.filter((item) => item !== this.current);
    for (const item of this.items) if (item.media) load(item, this.server).catch(() => {});
  }
}
