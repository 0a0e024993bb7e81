// The labeling desk: shows the next item at once, takes answers by key, click or touch, and keeps each in this browser
// until the server has acknowledged it. `pages/desk/joined.py` joins the modules for the browser.
import { make, openDialog } from "./base/dom.js";
import { FullScreen } from "./base/full_screen.js";
import { opened } from "./base/opened.js";
import { t } from "./base/words.js";
import { Actions } from "./panels/actions.js";
import { ClassBar } from "./panels/classes.js";
import { Facts } from "./panels/facts.js";
import { Guide } from "./panels/guidelines.js";
import { History } from "./panels/history.js";
import { KeptAnswers } from "./panels/kept.js";
import { Opinion } from "./panels/opinion.js";
import { Pace } from "./panels/pace.js";
import { Quiet } from "./panels/quiet.js";
import { WhyPanel } from "./panels/why/panel.js";
import { News } from "./sync/news.js";
import { Outbox } from "./sync/outbox.js";
import { IDLE_POLL_MS, Queue } from "./sync/queue.js";
import { Sender } from "./sync/sender.js";
import { Server } from "./sync/server.js";
import { claimTab } from "./sync/tab.js";
import { Answers } from "./work/answers.js";
import { Keyboard } from "./work/keyboard.js";
import { Presence } from "./work/presence.js";
import { Stage } from "./work/stage.js";
/** @import { ClassDetail, DeskData, Item, Reservation } from "./base/types.js" */
/** @import { Grid } from "./panels/grid.js" */

export class Desk {
  /**
   * @param {Element} root that Streamlit mounts the desk in
   * @param {DeskData} data
   * @param {() => void} rerun of the page, for a new token
   */
  constructor(root, data, rerun) {
    this.root = root;
    this.data = data;
    this.alive = true;
    /** @type {Grid | null} */
    this.grid = null;            // while many predictions are confirmed at once
    this.server = new Server(data, rerun);
    this.outbox = new Outbox(data.project, data.annotator, data.account, data.kept);
    this.answers = new Answers(this);
    this.build();
    this.keyboard = new Keyboard(this);
    this.news = new News(this.server, {
      classes: (classes, classChange) => this.takeClasses(classes, classChange),
      others: () => this.queue?.refillAnew(),
      heard: () => this.kept.tellDismissed(),
    });
    this.presence = new Presence(this.server, () => this.queue?.refill());
    this.quiet = new Quiet();
    claimTab().then((tab) => this.alive && this.start(tab));
  }

  build() {
    opened.clear();
    this.root.querySelector(".desk")?.remove();
    const desk = this.element = make("section", "desk", this.root);
    desk.setAttribute("aria-label", t("Labeling desk"));
    desk.lang = this.data.language ?? "en";
    const middle = make("div", "middle", desk);
    this.stage = new Stage(middle, this, {
      shown: (item) => this.shown(item),
      failed: (item, error) => this.cannotShow(item, error),
    });
    this.facts = new Facts(middle, this.data.columns);
    this.whyPanel = new WhyPanel(this);
    this.guide = new Guide(this);
    middle.append(this.whyPanel.element, this.guide.element);
    this.fullScreen = new FullScreen(desk);
    const line = make("div", "line", desk);  // as high when it is empty: buttons must not move under a hand
    this.why = make("span", "why", line);
    this.opinion = new Opinion(line, this);
    this.bar = new ClassBar(desk, this.data, (name) => this.answers.choose(name));
    this.actions = new Actions(desk, this);
    this.history = new History(desk, this);
    this.pace = new Pace(desk);
    this.kept = new KeptAnswers(desk, this);
    this.note = make("p", "note", desk);
    this.note.setAttribute("role", "alert");
    this.stage.rest({ reason: "getting" });
  }

  /** @param {string} tab */
  start(tab) {
    this.tab = this.presence.tab = tab;
    this.queue = new Queue(this.server, this.outbox, tab, {
      arrived: (reply) => this.arrived(reply),
      trouble: (text) => this.say(text),
    });
    this.sender = new Sender(this.outbox, this.server, tab, {
      unsent: () => this.unsent(),
      receipt: (receipt, itemId) => this.answers.receipt(receipt, itemId),
      progress: (progress) => {
        this.pace.show(progress);
        this.queue.heed(progress);
      },
      trouble: (text) => this.say(text),
    });
    this.answers.recallUnsent();
    this.kept.lookForFormer();
    this.kept.lookForSettled();
    this.sender.flush();
    this.queue.refill();
    if (this.guide.isNew) this.guide.open(false);
  }

  /** @param {DeskData} data with a newer token */
  update(data) {
    this.data = data;
    this.server.data = data;
  }

  destroy() {
    this.alive = false;
    this.keyboard.stop();
    this.presence.stop();
    this.news.end();
    this.quiet.stop();
    this.queue?.stop();
    this.sender?.stop();
    this.stage.destroy();
    this.whyPanel.destroy();
    this.guide.destroy();
    this.fullScreen.stop();
  }

  /**
   * The lead has changed the classes: other buttons, and earlier answers as they read now. The item stays.
   * @param {ClassDetail[]} classes
   * @param {number} classChange
   */
  takeClasses(classes, classChange) {
    this.update({ ...this.server.data, classes, class_change: classChange });  // whose token may be newer
    const bar = new ClassBar(this.element, this.data, (name) => this.answers.choose(name));
    this.bar.element.replaceWith(bar.element);
    this.bar = bar;
    this.bar.enable(this.stage.hasItem);
    this.answers.forgetStored();
    this.say(t("The classes have changed: they are now {classes}.", {
      classes: classes.map((detail) => detail.name).join(", "),
    }));
    this.recallAll();
  }

  // Ask the server once more what was answered earlier.
  recallAll() {
    this.queue?.recall();
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

  // ------------------------------------------------------------ what is drawn

  /**
   * @param {string} name its CSS classes
   * @param {string} label
   */
  dialog(name, label) {
    return openDialog(this.element, name, label);
  }

  /** @param {boolean} hasItem whether there is an item to answer */
  enable(hasItem) {
    this.bar.enable(hasItem);
    this.actions.enable(hasItem, this.answers.earlier.entries.length > 0);
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

  /** @param {Item | null} item that is on the stage, to be answered */
  shown(item) {
    if (item) this.describe(item);
    else this.why.textContent = "";
    this.facts.show(item?.metadata);
    this.whyPanel.update(item);
    this.enable(Boolean(item));
  }

  /** @param {Item} item */
  describe(item) {
    this.actions.setUnsure(Boolean(item.answer?.unsure));
    this.bar.set(!item.answer?.label ? [] : this.several ? JSON.parse(item.answer.label) : [item.answer.label]);
    this.why.textContent = item.answer ? t("Your earlier answer: a key changes it, Esc leaves it.") : "";
    this.opinion.about(item);
  }

  /**
   * @param {Item} item
   * @param {Error} error
   */
  cannotShow(item, error) {
    this.stage.rest({ reason: "getting" });
    this.say(t("This image could not be loaded ({reason}). It comes back later.", { reason: error.message }));
    if (this.queue.current === item) this.queue.current = null;
    setTimeout(() => this.alive && !this.stage.item && this.next(), IDLE_POLL_MS);
  }

  // ------------------------------------------------------------ from item to item

  // Show the next item as soon as its image is there.
  async next() {
    const item = this.queue.next();
    if (item) {
      await this.stage.show(item);
    } else if (this.queue.resting) {
      this.takeBreak();
    } else {
      this.stage.rest({ reason: "getting" });
      this.queue.refill();
    }
  }

  // Close what was opened, or leave an earlier answer as it is; whether there was anything to leave.
  stepBack() {
    if (opened.closeLatest()) return true;
    if (!this.stage.item?.answer) return false;
    this.next();
    return true;
  }

  takeBreak() {
    this.grid?.leave();
    this.queue.resting = true;
    this.queue.drop();
    this.stage.rest({ reason: "break" }, () => {
      this.queue.resting = false;
      this.stage.rest({ reason: "getting" });
      this.queue.refill();
    });
  }

  // ------------------------------------------------------------ what the server says

  /** @param {Reservation} reply */
  arrived(reply) {
    const { item } = this.stage;
    if (reply.history) this.answers.recall(reply.history);
    if (!this.outbox.entries().length) this.pace.show(reply.progress);
    if (this.grid || item?.answer || (item && item === this.queue.current)) return;
    if (this.queue.items.length) this.next();
    else this.stage.rest(reply.waiting ?? { reason: "getting" });
  }

  // The number of unsent answers may have changed.
  unsent() {
    const waiting = this.outbox.entries().length;
    this.element.dataset.unsent = String(waiting);
    this.pace.unsent(waiting, this.sender?.retries > 0, this.sender?.refused);
    this.answers.markUnsent();
    if (!waiting && this.queue?.first) this.queue.refill();
  }
}
