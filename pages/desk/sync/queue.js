// The items that this tab holds: the current one, and those after it with their images loading. The server's reply says
// what the tab holds; the server takes nothing back that this tab did not release.
import { forgetPicture, loadPicture } from "./media.js";
/** @import { Fetching, Item, Posting, Progress, Reservation, UnsentAnswer } from "../base/types.js" */
/** @import { Outbox } from "./outbox.js" */

const AHEAD = 20;               // items held
const REFILL_BELOW = 12;
const KEEP = 3;                 // items that stay when there is a newer ranking: the current one and the next two
const KEEP_WANTED = 2;          // and when somebody else has nothing to answer
const HEARTBEAT_MS = 15_000;    // well below the time after which a reservation runs out
export const IDLE_POLL_MS = 2_000;

/**
 * What the queue reports.
 * @typedef {object} QueueEvents
 * @property {(reply: Reservation) => void} arrived
 * @property {(text: string) => void} trouble
 */

/**
 * What the server could not know when it was asked: what was still unsent, even if it has been stored meanwhile, and
 * what was answered or taken back after that turn.
 * @typedef {{turn: number, unsent: UnsentAnswer[]}} Asked
 */

export class Queue {
  /**
   * @param {Fetching & Posting} server
   * @param {Outbox} outbox
   * @param {string} tab
   * @param {QueueEvents} events
   */
  constructor(server, outbox, tab, events) {
    this.server = server;
    this.outbox = outbox;
    this.tab = tab;
    this.events = events;
    this.alive = true;
    this.busy = false;
    this.resting = false;       // during a break
    this.knowsEarlier = false;  // the server has told of earlier answers as they read now
    this.overdue = false;       // it has to be asked again, whatever it replies now
    this.round = 0;             // the latest that the server told of
    /** @type {Item | null} */
    this.current = null;
    /** @type {Item[]} */
    this.items = [];            // after the current one
    /** @type {number | null} */
    this.first = null;          // id of an item that undo brings back to the front
    /** @type {Map<number, {turn: number, gone: boolean}>} */
    this.acts = new Map();      // by item id: whether it was answered or taken back, and when
    /** @type {Set<number>} */
    this.released = new Set();  // ids that are not shown any more, for the server to give to others
    this.turn = 0;
    this.wanted = false;        // whether somebody else waits for an item
    this.heartbeat = setInterval(() => this.refill(), HEARTBEAT_MS);
  }

  stop() {
    this.alive = false;
    clearInterval(this.heartbeat);
    clearTimeout(this.poll);
    for (const item of this.held) forgetPicture(item);
  }

  get held() {
    return this.current ? [this.current, ...this.items] : this.items;
  }

  next() {
    this.current = this.items.shift() ?? null;
    if (this.items.length < (this.wanted ? 1 : REFILL_BELOW)) this.refill();
    return this.current;
  }

  /**
   * Put items before the current one, which comes after them.
   * @param {...Item} items
   */
  back(...items) {
    this.items = [...items, ...this.held];
    this.current = null;
  }

  /**
   * An item was answered (gone) or taken back: a reply of the server may be older than that.
   * @param {number} id
   * @param {boolean} gone
   */
  acted(id, gone) {
    this.acts.set(id, { turn: ++this.turn, gone });
  }

  // Give everything back, e.g. for a break.
  drop() {
    for (const item of this.held) forgetPicture(item);
    this.current = null;
    this.items = [];
    return this.server.post("leave", { tab: this.tab }, { keepalive: true }).catch(() => {});
  }

  /** @param {number} [wait] milliseconds, if the server asked for more than is usual */
  later(wait = 0) {
    clearTimeout(this.poll);
    this.poll = setTimeout(() => this.refill(), Math.max(IDLE_POLL_MS, wait));
  }

  // Ask for items, also where a reply is on its way that may be older than what was just heard.
  refillAnew() {
    this.overdue = this.busy;
    this.refill();
  }

  // Ask also for earlier answers, which may read otherwise now.
  recall() {
    this.knowsEarlier = false;
    this.refillAnew();
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
      const history = !this.knowsEarlier;
      /** @type {Reservation} */
      const reply = await this.server.post("reserve", { tab: this.tab, n, release, history });
      if (!this.alive || this.resting) return;
      for (const id of release) this.released.delete(id);
      if (history && !this.overdue) this.knowsEarlier = true;  // else they may read otherwise since it was asked
      this.round = reply.progress.round;
      this.take(reply, asked);
      this.events.arrived(reply);
      if (!this.current && !this.items.length) this.later();
    } catch (error) {
      if (error.fromServer) this.events.trouble(error.message);
      if (!this.current) this.later(error.retryAfter);
      return;
    } finally {
      this.busy = false;
      if (this.overdue) this.refillAnew();
    }
    if (this.released.size) this.refill();  // others come in their place
  }

  /**
   * What the server says in passing: a newer ranking knows better what to ask, and others may wait for items.
   * @param {Progress} progress
   */
  heed(progress) {
    const isNews = progress.round !== this.round || (progress.wanted && this.items.length >= KEEP_WANTED);
    this.wanted = progress.wanted;
    if (isNews) this.refill();
  }

  /**
   * Hold what the server has reserved: what is held already keeps its order, new items follow. What a lead had asked
   * next comes right after the item on screen.
   * @param {Reservation} reply
   * @param {Asked} asked
   */
  take(reply, asked) {
    this.wanted = reply.progress.wanted;
    const before = this.held;
    let items = this.bringFirst(this.merge(before, reply.items, asked), asked);
    this.release(items, reply.progress);
    items = items.filter((item) => !this.released.has(item.id));
    for (const item of before) if (!items.includes(item)) forgetPicture(item);
    if (!items.includes(this.current)) this.current = null;
    this.items = items.filter((item) => item !== this.current);
    for (const item of this.items) if (item.media) loadPicture(item, this.server).catch(() => {});
  }

  /**
   * The held items that still are, then the new ones, without those that were answered meanwhile.
   * @param {Item[]} held
   * @param {Item[]} reserved by the server
   * @param {Asked} asked
   */
  merge(held, reserved, asked) {
    const unsent = [...asked.unsent, ...this.outbox.entries()];
    const gone = new Map(unsent.map((entry) => [entry.item_id, entry.action !== "undo"]));
    for (const [id, act] of this.acts) if (act.turn > asked.turn) gone.set(id, act.gone);
    const open = reserved.filter((item) => !gone.get(item.id));
    const openIds = new Set(open.map((item) => item.id));
    const heldIds = new Set(held.map((item) => item.id));
    const first = new Set(open.filter((item) => item.first).map((item) => item.id));
    const merged = [
      ...held.filter((item) => openIds.has(item.id) || gone.get(item.id) === false),
      ...open.filter((item) => !heldIds.has(item.id)),
    ];
    /** @param {Item} item */
    const place = (item) => item === this.current ? 0 : first.has(item.id) ? 1 : 2;
    return merged.sort((a, b) => place(a) - place(b));
  }

  /**
   * The items, with the one that undo brings back at the front as soon as the server has handed it out again.
   * @param {Item[]} items
   * @param {Asked} asked
   */
  bringFirst(items, asked) {
    if (this.first === null) return items;
    const first = items.find((item) => item.id === this.first);
    if (first || !(asked.unsent.length || this.outbox.entries().length)) this.first = null;
    return first ? [first, ...items.filter((item) => item !== first)] : items;
  }

  /**
   * Release items that an older ranking asked for, since their labels teach less, and items that somebody else waits
   * for. What a person took back is kept: it waits to be answered.
   * @param {Item[]} items
   * @param {Progress} progress
   */
  release(items, progress) {
    /** @param {Item} item */
    const isStale = (item) => item.round !== null && item.round < progress.round;
    items.forEach((item, place) => {
      const isDue = (place >= KEEP && isStale(item)) || (place >= KEEP_WANTED && this.wanted);
      if (isDue && !this.acts.has(item.id)) this.released.add(item.id);
    });
  }
}
