// The labeling desk: holds the next reserved items with their media preloaded, shows the next one at once, and
// keeps every answer in this browser until the server has acknowledged it. Sending twice is harmless, since each
// answer has its own request id. Outbox, load, forget and claimTab come from the files beside this one, which are
// served together with it as one module.

const AHEAD = 20;               // items held
const REFILL_BELOW = 12;
const KEEP = 3;                 // items that stay when there is a newer ranking: the visible one and the next two
const HEARTBEAT_MS = 15_000;    // well below the time after which a reservation runs out
const IDLE_POLL_MS = 2_000;
const RETRY_MS = [300, 1_000, 2_000, 4_000];
const KEYS = "1234567890qwertyiopadghjklzxcvbnm";  // without u (undo) and s (skip)

class Desk {
  constructor(root, data) {
    this.root = root;
    this.alive = true;
    this.queue = [];          // items after the visible one
    this.item = null;         // the item that is visible or about to be
    this.shownAt = null;      // when it became visible; null: nothing that could be answered
    this.done = [];           // what undo takes back, latest last: {id, item?}
    this.first = null;        // id of an item that undo brings back to the front
    this.acts = new Map();    // item id → {turn, gone}: answered or taken back, and when
    this.released = new Set();  // ids that are not shown any more, for the server to give to others
    this.turn = 0;
    this.retries = 0;
    this.update(data);
    this.outbox = new Outbox(data.project, data.annotator);
    this.build();
    this.onKey = (event) => this.key(event);
    this.onVisible = () => document.visibilityState === "visible" && this.refill();
    window.addEventListener("keydown", this.onKey, true);  // before Streamlit's own shortcuts
    document.addEventListener("visibilitychange", this.onVisible);
    this.heartbeat = setInterval(() => this.refill(), HEARTBEAT_MS);
    claimTab().then((tab) => {
      this.tab = tab;
      this.flush();
      this.refill();
    });
  }

  update(data) {
    this.data = data;
  }

  destroy() {
    this.alive = false;
    window.removeEventListener("keydown", this.onKey, true);
    document.removeEventListener("visibilitychange", this.onVisible);
    clearInterval(this.heartbeat);
    clearTimeout(this.poll);
    clearTimeout(this.retry);
    this.view?.destroy();
    for (const item of [this.item, ...this.queue]) forget(item);
  }

  // ------------------------------------------------------------ what is drawn

  build() {
    const make = (tag, name, parent, text) => {
      const element = document.createElement(tag);
      element.className = name;
      if (text !== undefined) element.textContent = text;
      parent.append(element);
      return element;
    };
    this.root.querySelector(".desk")?.remove();
    const desk = make("section", "desk", this.root);
    desk.setAttribute("aria-label", "Labeling desk");
    this.stage = make("div", "stage", desk);
    this.stage.setAttribute("aria-live", "polite");
    const bar = make("div", "classes", desk);
    bar.setAttribute("role", "group");
    bar.setAttribute("aria-label", "Classes");
    this.buttons = this.data.classes.map((name, index) => {
      const button = make("button", "class", bar);
      button.type = "button";
      if (KEYS[index]) make("kbd", "", button, KEYS[index].toUpperCase());
      make("span", "", button, name);
      button.addEventListener("click", () => this.answer("label", name, button));
      return button;
    });
    const foot = make("div", "foot", desk);
    const actions = make("div", "actions", foot);
    const action = (key, text, run) => {
      const button = make("button", "action", actions);
      button.type = "button";
      make("kbd", "", button, key);
      make("span", "", button, text);
      button.addEventListener("click", run);
      return button;
    };
    this.undoButton = action("U", "Undo", () => this.undo());
    this.skipButton = action("S", "Skip", () => this.answer("skip", null, this.skipButton));
    this.why = make("span", "why", foot);
    const progress = make("div", "progress", desk);
    this.bar = make("progress", "", progress);
    this.bar.setAttribute("aria-label", "Labels until the next round");
    this.counts = make("span", "counts", progress);
    this.status = make("span", "status", progress);
    this.status.setAttribute("role", "status");
    this.note = make("p", "note", desk);
    this.note.setAttribute("role", "alert");
    this.enable(false);
    this.message("Getting the next items …");
  }

  enable(on) {
    for (const button of [...this.buttons, this.skipButton]) button.disabled = !on;
    this.undoButton.disabled = !this.done.length;
  }

  message(text) {
    this.shownAt = null;
    this.view?.destroy();
    this.view = null;
    const paragraph = document.createElement("p");
    paragraph.className = "message";
    paragraph.textContent = text;
    this.stage.replaceChildren(paragraph);
    this.why.textContent = "";
    delete this.stage.dataset.item;
    this.enable(false);
  }

  progress(values) {
    if (!values) return;
    this.bar.max = values.batch;
    this.bar.value = Math.max(0, values.batch - values.until_round);
    const next = values.until_round ? `${values.until_round} to the next round` : "the next round is training";
    this.counts.textContent = `${values.mine} by you · ${next} · ${values.spent} of ${values.budget} labels`;
  }

  unsent() {
    const waiting = this.outbox.entries().length;
    this.root.querySelector(".desk").dataset.unsent = waiting;
    this.status.textContent = waiting && this.retries
      ? `Server unreachable: ${waiting} answers are kept in this browser and will be sent.`
      : waiting ? "Saving …" : "All answers saved";
    this.status.classList.toggle("offline", Boolean(waiting && this.retries));
  }

  // Show the first item of the queue as soon as its media are there.
  async next() {
    this.item = this.queue.shift() ?? null;
    this.shownAt = null;
    if (!this.item) {
      this.message("Getting the next items …");
      this.refill();
      return;
    }
    const item = this.item;
    if (item.media) {
      if (!item.picture) this.message("Loading the image …");
      try {
        await load(item, this);
      } catch (error) {
        if (this.item !== item || !this.alive) return;
        this.message(`This image could not be loaded (${error.message}). It comes back later.`);
        this.item = null;
        this.poll = setTimeout(() => this.alive && this.next(), IDLE_POLL_MS);
        return;
      }
      if (this.item !== item || !this.alive) return;
    }
    this.view?.destroy();
    this.view = item.media ? new ImageViewer(item, this) : new TextReader(item, this);
    this.stage.replaceChildren(this.view.element);
    this.stage.dataset.item = item.id;
    const reason = item.reason;
    this.why.textContent = reason ? `asked by ${reason.strategy}` + (reason.round ? `, round ${reason.round}` : "") : "";
    this.shownAt = performance.now();
    this.enable(true);
    if (this.queue.length < REFILL_BELOW) this.refill();
  }

  // ------------------------------------------------------------ what a person does

  key(event) {
    if (event.isComposing || event.keyCode === 229) return;
    const target = event.composedPath()[0];
    const field = target instanceof Element && target.closest("input, textarea, select, [contenteditable]");
    if (field && field.type !== "range") return;
    if (document.querySelector("dialog[open], [role=dialog]")) return;
    if (this.view?.key(event)) {
      event.preventDefault();
      event.stopPropagation();
      return;
    }
    if (event.repeat || event.ctrlKey || event.metaKey || event.altKey) return;
    const key = event.key.toLowerCase();
    const index = key.length === 1 ? KEYS.indexOf(key) : -1;
    if (key === "u" || key === "backspace") this.undo();
    else if (key === "s") this.answer("skip", null, this.skipButton);
    else if (index >= 0 && index < this.data.classes.length) {
      this.answer("label", this.data.classes[index], this.buttons[index]);
    } else return;
    event.preventDefault();
    event.stopPropagation();
  }

  answer(action, label, button) {
    if (this.shownAt === null || !this.item) return;
    const item = this.item;
    const seconds = Math.round(performance.now() - this.shownAt) / 1000;
    try {
      this.outbox.add({ item_id: item.id, action, label, seconds });
    } catch (error) {
      this.note.textContent = `This browser cannot keep the answer (${error.message}): free some space and answer again.`;
      return;
    }
    this.note.textContent = "";
    this.acts.set(item.id, { turn: ++this.turn, gone: true });
    this.done.push({ id: item.id, item });
    if (this.done.length > 50) forget(this.done.shift().item);
    button.classList.add("pressed");
    setTimeout(() => button.classList.remove("pressed"), 150);
    this.next();
    this.flush();
  }

  undo() {
    const last = this.done.pop();
    if (!last) return;
    this.outbox.add({ item_id: last.id, action: "undo", label: null, seconds: null });
    this.acts.set(last.id, { turn: ++this.turn, gone: false });
    if (this.item) this.queue.unshift(this.item);
    if (last.item) {
      this.queue.unshift(last.item);
      this.next();
    } else {  // answered before this page was loaded: the server hands it out again
      this.first = last.id;
      this.item = null;
      this.message("Taking back …");
    }
    this.enable(this.shownAt !== null);
    this.flush();
  }

  // ------------------------------------------------------------ talking to the server

  fetch(path, options = {}) {
    const headers = { ...options.headers, Authorization: `Bearer ${this.data.token}` };
    return fetch(`/api/${encodeURIComponent(this.data.project)}/${path}`, { ...options, headers });
  }

  async post(verb, body) {
    const response = await fetch(`/api/${encodeURIComponent(this.data.project)}/${verb}`, {
      method: "POST",
      headers: { "Content-Type": "application/json", Authorization: `Bearer ${this.data.token}` },
      body: JSON.stringify({ tab: this.tab, ...body }),
    });
    const reply = await response.json();
    if (!response.ok) throw Object.assign(new Error(reply.error), { said: true });
    return reply;
  }

  // Send what is in the outbox, one request at a time, until it is empty.
  async flush() {
    if (this.flushing || !this.tab) return;
    this.flushing = true;
    clearTimeout(this.retry);
    try {
      for (let entries; this.alive && (entries = this.outbox.entries().slice(0, 50)).length;) {
        this.unsent();
        const reply = await this.post("answers", { answers: entries });
        this.retries = 0;
        for (const receipt of reply.receipts) {
          if (receipt.ok) {
            this.outbox.remove(receipt.request_id);
          } else {
            this.outbox.setAside(receipt.request_id);
            this.note.textContent = `An answer was not taken: ${receipt.reason}`;
          }
        }
        this.progress(reply.progress);
        if (reply.progress.round !== this.round) this.refill();  // a newer ranking knows better what to ask
      }
    } catch (error) {
      if (error.said) this.note.textContent = error.message;
      this.retry = setTimeout(() => this.flush(), RETRY_MS[Math.min(this.retries++, RETRY_MS.length - 1)]);
    }
    this.flushing = false;
    this.unsent();
    if (this.first && !this.outbox.entries().length) this.refill();
  }

  // Ask for items; also the heartbeat of those that are held. What the server says is what this tab holds; it takes
  // nothing back that this tab did not release.
  async refill() {
    if (this.refilling || !this.tab || !this.alive) return;
    this.refilling = true;
    clearTimeout(this.poll);
    const asked = { turn: this.turn, unsent: this.outbox.entries() };
    const release = [...this.released];
    try {
      const reply = await this.post("reserve", { n: AHEAD, release });
      if (!this.alive) return;
      for (const id of release) this.released.delete(id);
      if (!this.started) {
        this.started = true;
        this.done.unshift(...reply.history.reverse().map((answer) => ({ id: answer.item_id })));
      }
      this.round = reply.progress.round;
      this.take(reply, asked);
      if (!this.outbox.entries().length) this.progress(reply.progress);
    } catch (error) {
      if (error.said) this.note.textContent = error.message;
      if (!this.item) this.poll = setTimeout(() => this.refill(), IDLE_POLL_MS);
      return;
    } finally {
      this.refilling = false;
    }
    if (this.released.size) this.refill();  // others come in their place
  }

  // `asked` tells what the server could not know when it was asked: what was still unsent, even if it has been
  // stored meanwhile, and what was answered or taken back after that turn.
  take(reply, asked) {
    const unsent = [...asked.unsent, ...this.outbox.entries()];
    const gone = new Map(unsent.map((entry) => [entry.item_id, entry.action !== "undo"]));
    for (const [id, act] of this.acts) if (act.turn > asked.turn) gone.set(id, act.gone);
    const known = new Map([this.item, ...this.queue].filter(Boolean).map((item) => [item.id, item]));
    const held = reply.items.filter((item) => !gone.get(item.id));
    const ids = new Set(held.map((item) => item.id));
    const kept = [...known.values()].filter((item) => ids.has(item.id) || gone.get(item.id) === false);
    const fresh = held.filter((item) => !known.has(item.id));
    let all = [...kept, ...fresh];
    if (this.first) {
      const at = all.findIndex((item) => item.id === this.first);
      if (at >= 0) {
        all.unshift(...all.splice(at, 1));
        this.first = null;
      }
    }
    // Labels that an older ranking asked for teach less. What a person took back is kept: it waits to be answered.
    const stale = (item) => item.reason?.round < reply.progress.round && !this.acts.has(item.id);
    for (const item of all.slice(KEEP).filter(stale)) this.released.add(item.id);
    all = all.filter((item) => !this.released.has(item.id));
    for (const item of known.values()) if (!all.includes(item)) forget(item);
    if (this.item && all.includes(this.item)) {
      this.queue = all.filter((item) => item !== this.item);
    } else {
      this.queue = all;
      this.item = null;
    }
    for (const item of this.queue) if (item.media) load(item, this).catch(() => {});
    if (this.item) return;
    if (this.queue.length) {
      this.next();
    } else {
      this.message(reply.waiting ?? "Getting the next items …");
      this.poll = setTimeout(() => this.refill(), IDLE_POLL_MS);
    }
  }
}

// ---------------------------------------------------------------- mount

const desks = new WeakMap();

// Streamlit calls this on every rerun; the desk stays and takes over the new token.
export default function ({ data, parentElement }) {
  let desk = desks.get(parentElement);
  const changed = desk && ["project", "annotator", "classes"].some(
    (name) => JSON.stringify(desk.data[name]) !== JSON.stringify(data[name]));
  if (changed || !desk?.alive) {
    desk?.destroy();
    desk = new Desk(parentElement, data);
    desks.set(parentElement, desk);
  } else {
    desk.update(data);
  }
  return () => desk.destroy();
}
