// The server's JSON API, with the token of whoever uses this page.
class Server {
  constructor(data) {
    this.data = data;
  }

  async fetch(path, options = {}) {
    const response = await fetch(`/api/${encodeURIComponent(this.data.project)}/${path}`, {
      ...options,
      headers: {
        ...options.headers, Authorization: `Bearer ${this.data.token}`, "Accept-Language": this.data.language ?? "en",
      },
    });
    if (!response.ok) {
      const said = await response.json().catch(() => ({}));
      throw Object.assign(new Error(said.error ?? response.statusText), { said: true });
    }
    return response;
  }

  async post(verb, body, options = {}) {
    const json = { method: "POST", body: JSON.stringify(body), headers: { "Content-Type": "application/json" } };
    return (await this.fetch(verb, { ...json, ...options })).json();
  }
}
