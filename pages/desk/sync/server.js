// The server's JSON API, with the token of whoever uses this page. A token lives for minutes: when the server refuses it,
// it is exchanged for a new one, and what was asked is asked again, so that nobody notices.
/** @import { DeskData } from "../base/types.js" */

const LONGEST_WAIT_SECONDS = 60;  // that a server may ask for
const RERUN_MS = 10_000;  // between two reruns of the page for a token

export class Server {
  /**
   * @param {DeskData} data
   * @param {() => void} [rerun] asks the page for a token where the server renews the old one no more
   */
  constructor(data, rerun = () => {}) {
    this.data = data;  // replaced when the page has a newer token
    this.rerun = rerun;
    this.rerunAt = -Infinity;
    /** @type {Promise<boolean> | null} */
    this.renewing = null;
  }

  /**
   * The response; throws a `ServerError` with the server's own sentence if it refuses.
   * @param {string} path
   * @param {RequestInit} [options]
   */
  async fetch(path, options = {}) {
    const { token } = this.data;
    let response = await this.ask(path, options);
    if (response.status === 401 && (token !== this.data.token || await this.renew())) {
      response = await this.ask(path, options);
    }
    if (!response.ok) {
      const body = await response.json().catch(() => ({}));
      const retryAfter = 1000 * Math.min(Number(response.headers.get("Retry-After")) || 0, LONGEST_WAIT_SECONDS);
      throw Object.assign(new Error(body.error ?? response.statusText), {
        fromServer: true, status: response.status, retryAfter,
      });
    }
    return response;
  }

  /**
   * @param {string} path
   * @param {RequestInit} options
   */
  ask(path, options) {
    return fetch(`${this.data.base ?? ""}/api/${encodeURIComponent(this.data.project)}/${path}`, {
      ...options,
      headers: {
        ...options.headers, Authorization: `Bearer ${this.data.token}`, "Accept-Language": this.data.language ?? "en",
      },
    });
  }

  // Whether there is a newer token now; it is asked for once, however many requests wait for it.
  renew() {
    this.renewing ??= this.exchange().finally(() => { this.renewing = null; });
    return this.renewing;
  }

  async exchange() {
    const response = await this.ask("token", { method: "POST" });
    if (response.ok) {
      const { token } = await response.json();
      this.data = { ...this.data, token };
    } else if (response.status === 401 && performance.now() - this.rerunAt > RERUN_MS) {
      this.rerunAt = performance.now();
      this.rerun();
    }
    return response.ok;
  }

  /**
   * The JSON that the server replies to this.
   * @param {string} verb
   * @param {object} body
   * @param {RequestInit} [options]
   */
  async post(verb, body, options = {}) {
    const json = { method: "POST", body: JSON.stringify(body), headers: { "Content-Type": "application/json" } };
    return (await this.fetch(verb, { ...json, ...options })).json();
  }
}
