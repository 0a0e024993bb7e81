// What the scripts find in a browser, as far as these tests need it, and a server that replies as a test wants.

/**
 * A Storage with room for so many characters. Its entries are its own properties, as `Object.keys` expects of one.
 * @param {number} [room]
 */
export function fakeStorage(room = Infinity) {
  const methods = {
    getItem(name) {
      return Object.hasOwn(this, name) ? this[name] : null;
    },
    setItem(name, value) {
      const entries = Object.entries({ ...this, [name]: value });
      if (entries.reduce((sum, [key, text]) => sum + key.length + text.length, 0) > room) throw new Error("storage is full");
      this[name] = String(value);
    },
    removeItem(name) {
      delete this[name];
    },
  };
  return Object.create(methods);
}

export function item(id, round = 0) {
  return { id, text: `text ${id}`, media: null, round, prediction: null };
}

export function progress(changes = {}) {
  return { mine: 0, spent: 0, budget: 100, until_round: 10, batch: 10, round: 0, labelers: 1, wanted: false, ...changes };
}

/** A reply to `reserve`. */
export function reservation(items, changes = {}) {
  return { items, waiting: null, history: null, progress: progress(changes) };
}

/** An outbox that holds these unsent answers. */
export function outboxOf(...entries) {
  return { unsent: entries, entries() { return this.unsent; } };
}

/**
 * A server that notes what it is asked and gives the replies in turn, the last one again and again. A reply may be an
 * error, which is thrown, or a function of the request's body.
 */
export function fakeServer(...replies) {
  const requests = [];
  return {
    requests,
    async post(verb, body) {
      requests.push({ verb, body: structuredClone(body) });
      const reply = replies.length > 1 ? replies.shift() : replies[0];
      if (reply instanceof Error) throw reply;
      return typeof reply === "function" ? reply(body) : reply;
    },
  };
}

export function refusal(text) {
  return Object.assign(new Error(text), { fromServer: true });
}

/** Let promises go on that wait for nothing but each other. */
export function settle() {
  return new Promise((resolve) => setImmediate(resolve));
}
