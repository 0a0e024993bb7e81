// The labeling desk: shows the next item at once, takes answers by key, click or touch, and keeps each in this browser
// until the server has acknowledged it. `pages/desk/joined.py` joins the modules for the browser.
import { make, openDialog } from "./base/dom.js";
import { ACTIONS, fieldOf, isTyped, keyOf } from "./base/keys.js";
import { t } from "./base/words.js";
import { Actions } from "./panels/actions.js";
import { ClassBar } from "./panels/classes.js";
import { askForNote } from "./panels/flag.js";
import { Guide } from "./panels/guidelines.js";
import { History } from "./panels/history.js";
import { Opinion } from "./panels/opinion.js";
import { Pace } from "./panels/pace.js";
import { Quiet } from "./panels/quiet.js";
import { drawRest } from "./panels/rest.js";
import { WhyPanel } from "./panels/why.js";
import { forgetPicture, loadPicture } from "./sync/media.js";
import { Outbox } from "./sync/outbox.js";
import { IDLE_POLL_MS, Queue } from "./sync/queue.js";
import { Sender } from "./sync/sender.js";
import { Server } from "./sync/server.js";
import { claimTab } from "./sync/tab.js";
import { TextReader } from "./view/reader.js";
import { ImageViewer } from "./view/viewer.js";
/** @import { Action, Answer, DeskData, GivenAnswer, Item } from "./base/types.js" */
/** @import { PastAnswer, Receipt, Reservation, Waiting } from "./base/types.js" */
/** @import { Grid } from "./panels/grid.js" */

const TOO_SOON_MS = 120;  // an item that was visible for less cannot have been looked at

export class Desk {
  /**
   * @param {Element} root that Streamlit mounts the desk in
   * @param {DeskData} data
   */
  constructor(root, data) {
    this.root = root;
    this.data = data;
    this.alive = true;
    /** @type {Item | null} */
    this.item = null;            // on the stage, or about to be
    /** @type {ImageViewer | TextReader | null} */
    this.view = null;            // draws the item
    /** @type {number | null} */
    this.shownAt = null;         // when it became visible; null: nothing that could be answered
    /** @type {GivenAnswer[]} */
    this.done = [];              // the latest last
    /** @type {Grid | null} */
    this.grid = null;            // while many predictions are confirmed at once
    /** @type {number | null} */
    this.noneOf = null;          // id of the item that Enter was pressed on without a class
    this.server = new Server(data);
    this.outbox = new Outbox(data.project, data.annotator);
    this.build();
    /** @type {(event: KeyboardEvent) => void} */
    this.onKey = (event) => this.key(event);
    this.onVisible = () => document.visibilityState === "visible" && this.queue?.refill();
    this.onLeave = () => this.server.post("leave", { tab: this.tab }, { keepalive: true }).catch(() => {});
    window.addEventListener("keydown", this.onKey, true);  // before Streamlit's own shortcuts
    window.addEventListener("pagehide", this.onLeave);
    document.addEventListener("visibilitychange", this.onVisible);
    this.quiet = new Quiet();
    claimTab().then((tab) => this.alive && this.start(tab));
  }

  /** @param {string} tab */
  start(tab) {
    this.tab = tab;
    this.queue = new Queue(this.server, this.outbox, tab, {
      arrived: (reply) => this.arrived(reply),
      trouble: (text) => this.say(text),
    });
    this.sender = new Sender(this.outbox, this.server, tab, {
      unsent: () => this.unsent(),
      receipt: (receipt, itemId) => this.receipt(receipt, itemId),
      progress: (progress) => {
        this.pace.show(progress);
        this.queue.heed(progress);
      },
      trouble: (text) => this.say(text),
    });
    this.sender.flush();
    this.queue.refill();
    if (this.guide.isNew) this.guide.open();
  }

  /** @param {DeskData} data with a newer token */
  update(data) {
    this.data = data;
    this.server.data = data;
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

  /**
   * @param {string} path
   * @param {RequestInit} [options]
   */
  fetch(path, options) {
    return this.server.fetch(path, options);
  }

  /**
   * @param {string} name its CSS classes
   * @param {string} label
   */
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

  /** @param {boolean} hasItem whether there is an item to answer */
  enable(hasItem) {
    this.bar.enable(hasItem);
    this.actions.enable(hasItem, this.done.length > 0);
  }

  /** @param {string} text of the note below everything */
  say(text) {
    this.note.textContent = text;
  }

  /**
   * An answer's label, as people read it.
   * @param {string} label
   */
  labelText(label) {
    if (!this.several) return label;
    return JSON.parse(label).join(", ") || t("none of them");
  }

  /**
   * Show that there is nothing to answer, and why.
   * @param {Waiting} waiting
   * @param {() => void} [resume]
   */
  rest(waiting, resume) {
    this.shownAt = null;
    this.item = null;
    this.view?.destroy();
    this.view = null;
    this.why.textContent = "";
    delete this.stage.dataset.item;
    delete this.stage.dataset.ready;
    this.whyPanel.update(null);
    drawRest(this.stage, waiting, resume);
    this.enable(false);
  }

  unsent() {
    const waiting = this.outbox.entries().length;
    this.element.dataset.unsent = String(waiting);
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

  /** @param {Item} item */
  async show(item) {
    this.item = item;
    this.shownAt = null;
    if (item.media) {
      if (!item.picture) drawRest(this.stage, { reason: "getting" });
      try {
        await loadPicture(item, this.server);
      } catch (error) {
        if (this.item === item && this.alive) this.cannotShow(item, error);
        return;
      }
      if (this.item !== item || !this.alive) return;
    }
    this.view?.destroy();
    this.view = item.media ? new ImageViewer(item, this.server, () => this.queue.items)
      : new TextReader(item, this.data.keywords);
    this.stage.replaceChildren(this.view.element);
    this.stage.dataset.item = String(item.id);
    delete this.stage.dataset.ready;
    this.shownAt = performance.now();
    setTimeout(() => this.item === item && (this.stage.dataset.ready = ""), TOO_SOON_MS);
    this.announced.textContent = item.text ?? t("The next image");
    this.describe(item);
    this.enable(true);
  }

  /** @param {Item} item */
  describe(item) {
    this.actions.setUnsure(Boolean(item.answer?.unsure));
    this.bar.set(!item.answer?.label ? [] : this.several ? JSON.parse(item.answer.label) : [item.answer.label]);
    const { reason } = item;
    this.why.textContent = item.answer ? t("Your earlier answer: a key changes it, Esc leaves it.")
      : !reason ? "" : reason.round ? t("Selected in round {round}", reason) : t("Selected before the first round");
    this.opinion.about(item);
    this.whyPanel.update(item);
  }

  /**
   * @param {Item} item
   * @param {Error} error
   */
  cannotShow(item, error) {
    this.rest({ reason: "getting" });
    this.say(t("This image could not be loaded ({reason}). It comes back later.", { reason: error.message }));
    if (this.queue.current === item) this.queue.current = null;
    setTimeout(() => this.alive && !this.item && this.next(), IDLE_POLL_MS);
  }

  // ------------------------------------------------------------ keys

  /** @param {KeyboardEvent} event */
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
    const target = event.composedPath()[0];
    const button = target instanceof Element ? target.closest("button, a, summary") : null;
    if ((key === "enter" || key === " ") && button?.matches(":focus-visible")) return;  // it is pressed by that key
    if (this.grid ? this.grid.key(key) : this.act(key)) {
      event.preventDefault();
      event.stopPropagation();
    }
  }

  /**
   * Enter and Escape end the typing in a field of the page around the desk, so that keys label again without a click.
   * @param {KeyboardEvent} event
   */
  leaveField(event) {
    const field = fieldOf(event);
    if (!field || event.isComposing || !["Enter", "Escape"].includes(event.key) || this.element.contains(field)) return;
    if (field.tagName === "INPUT") setTimeout(() => field.blur());
  }

  /**
   * Whether the key did something.
   * @param {string} key
   */
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
    if (this.whyPanel.closeIfOpen()) return true;
    if (!this.item?.answer) return false;
    this.next();  // the earlier answer stays
    return true;
  }

  // ------------------------------------------------------------ what a person does

  /** @param {string} name of a class */
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

  /**
   * @param {Action} action
   * @param {string | null} label
   * @param {string | null} [note]
   */
  answer(action, label, note = null) {
    if (this.shownAt === null || !this.item) return;
    const now = performance.now();
    if (now - this.shownAt < TOO_SOON_MS) return;  // the key was meant for the item before
    const item = this.item;
    /** @type {Answer} */
    const answer = {
      item_id: item.id,
      action,
      label,
      note,
      unsure: action === "label" && this.actions.isUnsure,
      seconds: Math.round(now - this.shownAt) / 1000,
      reveal: this.opinion.revealOf(item),
    };
    if (!this.keep(answer)) return;
    this.pace.answered(now);
    this.remember(item, answer);
    this.opinion.clear();
    for (const name of this.several ? [] : [label]) this.bar.flash(name);
    this.next();
    this.sender.flush();
  }

  /**
   * Whether the answer is safe in this browser; the person is told if it is not.
   * @param {Answer} answer
   */
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

  /**
   * @param {Item} item
   * @param {Answer} answer
   */
  remember(item, { action, label, unsure }) {
    this.queue.acted(item.id, true);
    const earlier = this.done.findIndex((entry) => entry.id === item.id);
    if (earlier >= 0) this.done.splice(earlier, 1);
    this.done.push({ id: item.id, item: item.answer ? undefined : item, action, label, unsure });
    if (this.done.length > 50) forgetPicture(this.done.shift().item);
    this.history.draw(this.done);
  }

  undo() {
    if (this.grid) {
      this.grid.leave();
      return;
    }
    if (this.item?.answer) {
      this.stepBack();
      return;
    }
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

  /**
   * Look at an earlier item again; the answer stays until another one is given.
   * @param {number} id
   */
  async revisit(id) {
    this.grid?.leave();
    const entry = this.done.find((given) => given.id === id);
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

  /** @param {Reservation} reply */
  arrived(reply) {
    if (reply.history) this.recall(reply.history);
    if (!this.outbox.entries().length) this.pace.show(reply.progress);
    if (this.grid || this.item?.answer || (this.item && this.item === this.queue.current)) return;
    if (this.queue.items.length) this.next();
    else this.rest(reply.waiting ?? { reason: "getting" });
  }

  /** @param {PastAnswer[]} history newest first */
  recall(history) {
    for (const row of history) {
      if (row.predicted) this.opinion.shown.set(row.item_id, { label: row.predicted, confidence: row.confidence });
    }
    const earlier = history.reverse().map((row) => (
      { id: row.item_id, action: row.action, label: row.label, unsure: row.unsure, prediction: this.opinion.shown.get(row.item_id) }));
    this.done.unshift(...earlier.filter((row) => !this.done.some((entry) => entry.id === row.id)));
    this.history.draw(this.done);
    this.enable(this.shownAt !== null);
  }

  /**
   * @param {Receipt} receipt
   * @param {number} id of the item
   */
  receipt({ ok, reason, prediction }, id) {
    if (!ok) this.say(t("An answer was refused: {reason}", { reason }));
    if (!prediction || this.data.reveal !== "after") return;
    this.opinion.shown.set(id, prediction);
    const entry = this.done.find((given) => given.id === id);
    if (!entry) return;
    entry.prediction = prediction;
    this.history.draw(this.done);
    if (entry !== this.done.at(-1)) return;
    this.opinion.afterAnswer(prediction, entry.label);
  }
}
