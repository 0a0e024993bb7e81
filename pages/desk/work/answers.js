// One answer, from the key to the strip of earlier ones: it is kept in this browser, the next item is shown at once, and
// it can be taken back or given anew.
import { isTooSoon } from "../base/pressed.js";
import { t } from "../base/words.js";
import { askForNote } from "../panels/flag.js";
import { EarlierAnswers } from "../sync/earlier.js";
import { askToPersist } from "../sync/persistence.js";
/** @import { Action, Answer, Item, PastAnswer, Receipt, UnsentAnswer } from "../base/types.js" */
/** @import { Desk } from "../desk.js" */

export class Answers {
  /** @param {Desk} desk */
  constructor(desk) {
    this.desk = desk;
    this.earlier = new EarlierAnswers();
    /** @type {number | null} */
    this.noneOf = null;  // id of the item that Enter was pressed on without a class
  }

  // ------------------------------------------------------------ giving one

  /** @param {string} name of a class */
  choose(name) {
    if (this.desk.several) this.desk.bar.toggle(name);
    else this.give("label", name);
  }

  // Several classes: Enter takes the chosen ones; none at all are confirmed by a second Enter.
  confirm() {
    const { bar, stage } = this.desk;
    if (!stage.hasItem) return;
    const chosen = bar.chosen;
    if (!chosen.length && this.noneOf !== stage.item.id) {
      this.noneOf = stage.item.id;
      this.desk.say(t("None of the classes? Enter again confirms that."));
      return;
    }
    this.give("label", JSON.stringify(chosen));
  }

  flag() {
    const { stage } = this.desk;
    if (!stage.hasItem) return;
    const item = stage.item;
    askForNote(this.desk, (note) => stage.item === item && this.give("flag", null, note));
  }

  /**
   * @param {Action} action
   * @param {string | null} label
   * @param {string | null} [note]
   */
  give(action, label, note = null) {
    const { actions, bar, data, opinion, pace, sender, several, stage } = this.desk;
    if (!stage.hasItem || !stage.item) return;
    if (isTooSoon(stage.shownAt)) return;  // the press was meant for the item before
    const now = performance.now();
    const item = stage.item;
    /** @type {Answer} */
    const answer = {
      item_id: item.id,
      action,
      label,
      note,
      unsure: action === "label" && actions.isUnsure,
      seconds: Math.round(now - stage.shownAt) / 1000,
      reveal: opinion.revealOf(item),
      class_change: data.class_change,
    };
    const kept = this.keep(answer);
    if (!kept) return;
    askToPersist();
    pace.answered(now);
    this.remember(item, kept);
    opinion.clear();
    for (const name of several ? [] : [label]) bar.flash(name);
    this.desk.next();
    sender.flush();
  }

  /**
   * The answer as it is safe in this browser; null if it is not, and the person is told.
   * @param {Answer} answer
   */
  keep(answer) {
    let entry = null;
    try {
      entry = this.desk.outbox.add(answer);
      this.desk.say("");
    } catch (error) {
      this.desk.say(t("This browser cannot keep the answer ({reason}): free some space and answer again.",
        { reason: error.message }));
    }
    return entry;
  }

  /**
   * @param {Item} item
   * @param {UnsentAnswer} answer
   */
  remember(item, answer) {
    this.desk.queue.acted(item.id, true);
    this.earlier.add(item, answer);
    this.draw();
  }

  // ------------------------------------------------------------ changing one

  undo() {
    const { grid, opinion, queue, sender, stage } = this.desk;
    if (grid) {
      grid.leave();
      return;
    }
    if (stage.item?.answer) {
      this.desk.stepBack();
      return;
    }
    const { last } = this.earlier;
    if (!last || !this.keep({ item_id: last.id, action: "undo", label: null, seconds: null, undoes: last.answer })) return;
    this.earlier.takeBack(last.id, last.answer);
    queue.acted(last.id, false);
    opinion.clear();
    this.draw();
    if (last.item) {
      queue.back(last.item);
      this.desk.next();
    } else {  // answered before this page was loaded: the server hands it out again
      queue.back();
      queue.first = last.id;
      stage.rest({ reason: "getting" });
    }
    this.desk.enable(stage.hasItem);
    sender.flush();
  }

  /**
   * Look at an earlier item again; the answer stays until another one is given.
   * @param {number} id
   */
  async revisit(id) {
    const { grid, queue, sender, server, stage } = this.desk;
    grid?.leave();
    const entry = this.earlier.of(id);
    try {
      await sender.flush();
      const item = await (await server.fetch(`items/${id}`)).json();
      if (!this.desk.alive || entry !== this.earlier.of(id)) return;
      if (queue.current) queue.back();
      await stage.show(item);
    } catch (error) {
      this.desk.say(error.message);
    }
  }

  // ------------------------------------------------------------ what was answered earlier

  draw() {
    this.desk.history.draw(this.earlier.entries);
    this.markUnsent();
  }

  markUnsent() {
    this.desk.history.mark(new Set(this.desk.outbox.entries().map((entry) => entry.item_id)));
  }

  // Answers from before the page was loaded that still wait in this browser.
  recallUnsent() {
    this.earlier.recallUnsent(this.desk.outbox.entries());
    this.draw();
    this.desk.enable(this.desk.stage.hasItem);
  }

  // The classes have changed, and with them what earlier answers say: the server tells of those that it has.
  forgetStored() {
    const unsent = new Set(this.desk.outbox.entries().map((entry) => entry.item_id));
    this.earlier.entries = this.earlier.entries.filter(({ id }) => unsent.has(id));
    this.draw();
  }

  /** @param {PastAnswer[]} history newest first */
  recall(history) {
    const { opinion, stage } = this.desk;
    for (const row of history) {
      if (row.predicted) opinion.shown.set(row.item_id, { label: row.predicted, confidence: row.confidence });
      if (row.others?.length) opinion.others.set(row.item_id, row.others);
    }
    this.earlier.recall(history, opinion.shown);
    this.draw();
    this.desk.enable(stage.hasItem);
  }

  /**
   * @param {Receipt} receipt
   * @param {number} id of the item
   */
  receipt({ ok, reason, prediction, others = [] }, id) {
    const { data, opinion } = this.desk;
    if (!ok) {
      this.desk.say(t("An answer was refused: {reason}", { reason }));
      this.desk.kept.update();
    } else if (reason) {
      this.desk.say(t("Not taken back: {reason}", { reason }));
      this.desk.recallAll();
    }
    if (!(prediction || others.length) || data.reveal !== "after") return;
    if (prediction) opinion.shown.set(id, prediction);
    if (others.length) opinion.others.set(id, others);
    const entry = this.earlier.of(id);
    if (!entry) return;
    entry.prediction = prediction ?? undefined;
    this.draw();
    if (entry === this.earlier.last) opinion.afterAnswer(prediction, others, entry.label);
  }
}
