// Whether the person is there: the server hears when the page is left, and is asked for items when it is looked at again.
/** @import { Posting } from "../base/types.js" */

export class Presence {
  /**
   * @param {Posting} server
   * @param {() => void} back the page is visible again
   */
  constructor(server, back) {
    this.server = server;
    /** @type {string | null} */
    this.tab = null;  // whose items are given back; null: none has been reserved
    this.onVisible = () => document.visibilityState === "visible" && back();
    this.onLeave = () => this.leave();
    window.addEventListener("pagehide", this.onLeave);
    document.addEventListener("visibilitychange", this.onVisible);
  }

  leave() {
    this.server.post("leave", { tab: this.tab }, { keepalive: true }).catch(() => {});
  }

  // Also when another page of the app is opened.
  stop() {
    window.removeEventListener("pagehide", this.onLeave);
    document.removeEventListener("visibilitychange", this.onVisible);
    if (this.tab) this.leave();
  }
}
