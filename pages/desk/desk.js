// The labeling desk: shows the next item at once, takes answers by key, click or touch, and keeps each in this browser
// until the server has acknowledged it. The files beside this one are served with it as one module, in the order of
// `pages/desk/__init__.py`.

const TOO_SOON_MS = 120;  // an item that was visible for less cannot have been looked at

class Desk {
  constructor(root, data) {
    this.root = root;
    this.alive = true;
    this.item = null;            // the one on the stage, or about to be
    this.view = null;            // what draws it
    this.shownAt = null;         // when it became visible; null: nothing that could be answered
    this.done = [];              // answers, latest last: {id, item?, action, label, unsure, prediction?}
    this.update(data);
    this.server = new Server(data);
    this.outbox = new Outbox(data.project, data.annotator);
    this.build();
    this.onKey = (event) => this.key(event);
    this.onVisible = () => document.visibilityState === "visible" && this.queue?.refill();
    this.onLeave = () => this.server.post("leave", { tab: this.tab }, { keepalive: true }).catch(() => {});
    window.addEventListener("keydown", this.onKey, true);  // before Streamlit's own shortcuts
    window.addEventListener("pagehide", this.onLeave);
    document.addEventListener("visibilitychange", this.onVisible);
    this.quiet = new Quiet();
    claimTab().then((tab) => this.alive && this.start(tab));
  }

  start(tab) {
    this.tab = tab;
    const trouble = (text) => this.say(text);
    this.queue = new Queue(this.server, this.outbox, tab, { arrived: (reply) => this.arrived(reply), trouble });
    this.sender = new Sender(this.outbox, this.server, tab, {
      unsent: () => this.unsent(),
      receipt: (receipt, id) => this.receipt(receipt, id),
      progress: (progress) => { this.pace.show(progress); this.queue.heed(progress); },
      trouble,
    });
    this.sender.flush();
    this.queue.refill();
    if (this.guide.isNew) this.guide.open();
  }

  update(data) {
    this.data = data;
    if (this.server) this.server.data = data;
  }

  destroy() {
    this.alive = false;
    window.removeEventListener("keydown", this.onKey, true);
    window.removeEventListener("pagehide", this.onLeave);
    document.removeEventListener("visibilitychange", this.onVisible);
    if (this.tab) this.onLeave();  // another page of the app
    this.quiet.stop();
    this.queue?.stop();
    this.sender?.stop();
    this.view?.destroy();
    this.whyPanel.destroy();
  }

  get several() {
    return this.data.answers === "several";
  }

  fetch(path, options) {
    return this.server.fetch(path, options);
  }

  dialog(name, label) {
    return openDialog(this.element, name, label);
  }

  // ------------------------------------------------------------ what is drawn

  build() {
    this.root.querySelector(".desk")?.remove();
    const desk = this.element = make("section", "desk", this.root);
    desk.setAttribute("aria-label", t("Labeling desk"));
    desk.lang = this.data.language ?? "en";
    const middle = make("div", "middle", desk);
    this.stage = make("div", "stage", middle);
    this.announced = make("p", "announced", middle);  // what a screen reader says of a new item, without the viewer's tools
    this.announced.setAttribute("role", "status");
    this.whyPanel = new WhyPanel(this);
    middle.append(this.whyPanel.element);
    const line = make("div", "line", desk);  // as high when it is empty: buttons must not move under a hand
    this.why = make("span", "why", line);
    this.opinion = new Opinion(line, this);
    this.bar = new ClassBar(desk, this.data, (name) => this.choose(name));
    this.actions = new Actions(desk, this);
    this.history = new History(desk, this);
    this.pace = new Pace(desk);
    this.note = make("p", "note", desk);
    this.note.setAttribute("role", "alert");
    this.guide = new Guide(this);
    this.enable(false);
    this.rest({ reason: "getting" });
  }

  enable(on) {
    this.bar.enable(on);
    this.actions.enable(on, this.done.length > 0);
  }

  say(text) {
    this.note.textContent = text;
  }

  said(label) {
    if (!this.several) return label;
    return JSON.parse(label).join(", ") || t("none of them");
  }

  rest(waiting, resume) {
    this.shownAt = null;
    this.item = null;
    this.view?.destroy();
    this.view = null;
    this.why.textContent = "";
    delete this.stage.dataset.item;
    delete this.stage.dataset.ready;
    this.whyPanel.update(null);
    rest(this.stage, waiting, resume);
    this.enable(false);
  }

  unsent() {
    const waiting = this.outbox.entries().length;
    this.element.dataset.unsent = waiting;
    this.pace.unsent(waiting, this.sender?.retries > 0);
    if (!waiting && this.queue?.first) this.queue.refill();
  }

  // Show the next item as soon as its image is there.
  async next() {
    const item = this.queue.next();
    if (item) {
      await this.show(item);
    } else if (this.queue.resting) {
      this.takeBreak();
    } else {
      this.rest({ reason: "getting" });
      this.queue.refill();
    }
  }

  async show(item) {
    this.item = item;
    this.shownAt = null;
    if (item.media) {
      if (!item.picture) rest(this.stage, { reason: "getting" });
      try {
        await load(item, this.server);
      } catch (error) {
        if (this.item === item && this.alive) this.cannotShow(item, error);
        return;
      }
      if (this.item !== item || !this.alive) return;
    }
    this.view?.destroy();
    this.view = item.media ? new ImageViewer(item, this) : new TextReader(item, this);
    this.stage.replaceChildren(this.view.element);
    this.stage.dataset.item = item.id;
    delete this.stage.dataset.ready;
    this.shownAt = performance.now();
    setTimeout(() => this.item === item && (this.stage.dataset.ready = ""), TOO_SOON_MS);
    this.announced.textContent = item.text ?? t("The next image");
    this.describe(item);
    this.enable(true);
  }

  describe(item) {
    this.actions.setUnsure(Boolean(item.answer?.unsure));
    this.bar.set(!item.answer?.label ? [] : this.several ? JSON.parse(item.answer.label) : [item.answer.label]);
    const { reason } = item;
    this.why.textContent = item.answer ? t("Your earlier answer: a key changes it, Esc leaves it.")
      : !reason ? "" : reason.round ? t("asked by {strategy}, round {round}", reason) : t("asked by {strategy}", reason);
    this.opinion.about(item);
    this.whyPanel.update(item);
  }

  cannotShow(item, error) {
    this.rest({ reason: "getting" });
    this.say(t("This image could not be loaded ({reason}). It comes back later.", { reason: error.message }));
    if (this.queue.current === item) this.queue.current = null;
    setTimeout(() => this.alive && !this.item && this.next(), IDLE_POLL_MS);
  }

  // ------------------------------------------------------------ keys

  key(event) {
    if (isTyped(event)) {
      this.leaveField(event);
      return;
    }
    if (this.dialogIsOpen() || this.whyPanel.holds(event)) return;
    if (!this.grid && this.shownAt !== null && this.view?.key(event)) {  // also held keys, and Ctrl+F
      event.preventDefault();
      event.stopPropagation();
      return;
    }
    if (event.repeat || event.ctrlKey || event.metaKey || event.altKey) return;
    const key = keyOf(event);
    const button = event.composedPath()[0].closest?.("button, a, summary");
    if ((key === "enter" || key === " ") && button?.matches(":focus-visible")) return;  // it is pressed by that key
    if (this.grid ? this.grid.key(key) : this.act(key)) {
      event.preventDefault();
      event.stopPropagation();
    }
  }

  // Enter and Escape end the typing in a field of the page around the desk, so that keys label again without a click.
  leaveField(event) {
    const field = fieldOf(event);
    if (!field || event.isComposing || !["Enter", "Escape"].includes(event.key) || this.element.contains(field)) return;
    if (field.tagName === "INPUT") setTimeout(() => field.blur());
  }

  act(key) {
    const name = this.bar.byKey(key);
    if (name !== null) {
      if (this.shownAt !== null) this.choose(name);
      return true;
    }
    const run = {
      undo: () => this.undo(),
      skip: () => this.answer("skip", null),
      flag: () => this.flag(),
      unsure: () => this.shownAt !== null && this.actions.setUnsure(!this.actions.isUnsure),
      why: () => this.whyPanel.toggle(this.item),
      guidelines: () => this.guide.open(),
      search: () => this.bar.focusSearch(),
      confirm: () => this.several && this.confirm(),
      back: () => this.stepBack(),
    }[ACTIONS[key]];
    return Boolean(run) && run() !== false;
  }

  dialogIsOpen() {
    return Boolean(this.element.querySelector("dialog[open]") || document.querySelector("dialog[open], [role=dialog]"));
  }

  stepBack() {
    if (this.whyPanel.key({ key: "Escape" })) return true;
    if (!this.item?.answer) return false;
    this.next();  // the earlier answer stays
    return true;
  }

  // ------------------------------------------------------------ what a person does

  choose(name) {
    if (this.several) this.bar.toggle(name);
    else this.answer("label", name);
  }

  // Several classes: Enter takes the chosen ones; none at all are confirmed by a second Enter.
  confirm() {
    if (this.shownAt === null) return;
    const chosen = this.bar.chosen;
    if (!chosen.length && this.noneOf !== this.item.id) {
      this.noneOf = this.item.id;
      this.say(t("None of the classes? Enter again confirms that."));
      return;
    }
    this.answer("label", JSON.stringify(chosen));
  }

  answer(action, label, note = null) {
    if (this.shownAt === null || !this.item) return;
    const now = performance.now();
    if (now - this.shownAt < TOO_SOON_MS) return;  // the key was meant for the item before
    const item = this.item;
    const seconds = Math.round(now - this.shownAt) / 1000;
    const entry = { item_id: item.id, action, label, note, unsure: action === "label" && this.actions.isUnsure };
    if (!this.keep({ ...entry, seconds, reveal: this.opinion.knownOf(item) })) return;
    this.pace.answered(now);
    this.remember(item, entry);
    this.opinion.clear();
    for (const name of this.several ? [] : [label]) this.bar.flash(name);
    this.next();
    this.sender.flush();
  }

  keep(answer) {
    try {
      this.outbox.add(answer);
    } catch (error) {
      this.say(t("This browser cannot keep the answer ({reason}): free some space and answer again.",
        { reason: error.message }));
      return false;
    }
    this.say("");
    return true;
  }

  remember(item, { action, label, unsure }) {
    this.queue.acted(item.id, true);
    const earlier = this.done.findIndex((entry) => entry.id === item.id);
    if (earlier >= 0) this.done.splice(earlier, 1);
    this.done.push({ id: item.id, item: item.answer ? undefined : item, action, label, unsure });
    if (this.done.length > 50) forget(this.done.shift().item);
    this.history.draw(this.done);
  }

  undo() {
    if (this.grid) return void this.grid.leave();
    if (this.item?.answer) return void this.stepBack();
    const last = this.done.at(-1);
    if (!last || !this.keep({ item_id: last.id, action: "undo", label: null, seconds: null })) return;
    this.done.pop();
    this.queue.acted(last.id, false);
    this.opinion.clear();
    this.history.draw(this.done);
    if (last.item) {
      this.queue.back(last.item);
      this.next();
    } else {  // answered before this page was loaded: the server hands it out again
      this.queue.back();
      this.queue.first = last.id;
      this.rest({ reason: "getting" });
    }
    this.enable(this.shownAt !== null);
    this.sender.flush();
  }

  // Look at an earlier item again; the answer stays until another one is given.
  async revisit(id) {
    this.grid?.leave();
    const entry = this.done.find((one) => one.id === id);
    try {
      await this.sender.flush();
      const item = await (await this.fetch(`items/${id}`)).json();
      if (!this.alive || !this.done.includes(entry)) return;
      if (this.queue.current) this.queue.back();
      await this.show(item);
    } catch (error) {
      this.say(error.message);
    }
  }

  flag() {
    if (this.shownAt === null) return;
    const item = this.item;
    askForNote(this, (note) => this.item === item && this.answer("flag", null, note));
  }

  takeBreak() {
    this.grid?.leave();
    this.queue.resting = true;
    this.queue.drop();
    this.rest({ reason: "break" }, () => {
      this.queue.resting = false;
      this.rest({ reason: "getting" });
      this.queue.refill();
    });
  }

  // ------------------------------------------------------------ what the server says

  arrived(reply) {
    if (reply.history) this.recall(reply.history);
    if (!this.outbox.entries().length) this.pace.show(reply.progress);
    if (this.grid || this.item?.answer || (this.item && this.item === this.queue.current)) return;
    if (this.queue.items.length) this.next();
    else this.rest(reply.waiting ?? { reason: "getting" });
  }

  recall(history) {
    for (const row of history) {
      if (row.predicted) this.opinion.told.set(row.item_id, { label: row.predicted, confidence: row.confidence });
    }
    const earlier = history.reverse().map((row) => (
      { id: row.item_id, action: row.action, label: row.label, unsure: row.unsure, prediction: this.opinion.told.get(row.item_id) }));
    this.done.unshift(...earlier.filter((row) => !this.done.some((entry) => entry.id === row.id)));
    this.history.draw(this.done);
    this.enable(this.shownAt !== null);
  }

  receipt({ ok, reason, prediction }, id) {
    if (!ok) this.say(t("An answer was not taken: {reason}", { reason }));
    if (!prediction || this.data.reveal !== "after") return;
    this.opinion.told.set(id, prediction);
    const entry = this.done.find((one) => one.id === id);
    if (!entry) return;
    entry.prediction = prediction;
    this.history.draw(this.done);
    if (entry !== this.done.at(-1)) return;
    this.opinion.afterAnswer(prediction, entry.label);
  }
}
