// What the server says without being asked for items: the lead has changed the classes, stopped labeling, or selected
// items to be asked next. It is asked
// every few seconds while the page is looked at, by a request that stores nothing.
/** @import { ClassDetail, DeskData, Fetching, News as Reply } from "../base/types.js" */

const NEWS_MS = 2_500;

/**
 * What is reported.
 * @typedef {object} NewsEvents
 * @property {(classes: ClassDetail[], classChange: number) => void} classes there are others now
 * @property {() => void} others labeling was stopped or goes on, or other items are asked next
 * @property {() => void} heard the server replies, after a while in which it may not have
 */

export class News {
  /**
   * @param {Fetching & {data: DeskData}} server
   * @param {NewsEvents} events
   */
  constructor(server, events) {
    this.server = server;
    this.events = events;
    this.stop = "null";  // the latest that was heard, as JSON; a desk that is being opened takes it that labeling goes on
    this.timer = setInterval(() => document.visibilityState === "visible" && this.ask(), NEWS_MS);
    this.ask();
  }

  async ask() {
    /** @type {Reply} */
    let reply;
    try {
      reply = await (await this.server.fetch(`news?class_change=${this.server.data.class_change}`)).json();
    } catch {
      return;  // the queue says when the server is gone
    }
    this.events.heard();
    if (reply.classes) this.events.classes(reply.classes, reply.class_change);
    const stop = JSON.stringify(reply.stop);
    const isAskedNext = this.askedNext !== undefined && this.askedNext !== reply.asked_next;
    if (this.stop !== stop || isAskedNext) this.events.others();
    this.stop = stop;
    this.askedNext = reply.asked_next;
  }

  end() {
    clearInterval(this.timer);
  }
}
