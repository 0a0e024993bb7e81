// The server's JSON API, with the token of whoever uses this page.
/** @import { DeskData } from "../base/types.js" */

export class Server {
  /** @param {DeskData} data */
  constructor(data) {
    this.data = data;  // replaced when the page has a newer token
  }

  /**
   * The response; throws a `ServerError` with the server's own sentence if it refuses.
   * @param {string} path
   * @param {RequestInit} [options]
   */
  async fetch(path, options = {}) {
    const response = await fetch(`${this.data.base ?? ""}/api/${encodeURIComponent(this.data.project)}/${path}`, {
      ...options,
      headers: {
        ...options.headers, Authorization: `Bearer ${this.data.token}`, "Accept-Language": this.data.language ?? "en",
      },
    });
    if (!response.ok) {
      const body = await response.json().catch(() => ({}));
      throw Object.assign(new Error(body.error ?? response.statusText), { fromServer: true });
    }
    return response;
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
