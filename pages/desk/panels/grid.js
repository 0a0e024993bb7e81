// Confirms many like predictions at once: all are ticked, and what is something else is unticked and answered alone.
import { make, makeButton } from "../base/dom.js";
import { isTooSoon } from "../base/pressed.js";
import { t } from "../base/words.js";
/** @import { Answer, Item } from "../base/types.js" */
/** @import { Desk } from "../desk.js" */

const GRID = 20;

export class Grid {
  /**
   * @param {Desk} desk
   * @param {Item[]} items of one predicted class
   */
  constructor(desk, items) {
    this.desk = desk;
    this.items = items;
    this.label = items[0].prediction.label;
    this.shownAt = performance.now();
    this.element = make("div", "grid");
    const name = desk.labelText(this.label);
    make("h2", "", this.element,
      t("The model predicts “{label}” for these items. Untick those that are something else.", { label: name }));
    const cells = make("div", "cells", this.element);
    this.boxes = items.map((item) => this.cell(cells, item));
    const row = make("div", "actions", this.element);
    makeButton("action confirm", row, {
      key: "Enter", text: t("Confirm the ticked as “{label}”", { label: name }), run: () => this.confirm(),
    });
    makeButton("action", row, { key: "Esc", text: t("One by one"), run: () => this.leave() });
  }

  /**
   * The checkbox of an item.
   * @param {Element} parent
   * @param {Item} item
   */
  cell(parent, item) {
    const cell = make("label", "cell", parent);
    const box = make("input", "", cell);
    box.type = "checkbox";
    box.checked = true;
    if (item.media) {
      const image = make("img", "", cell);
      image.alt = t("Item {id}", { id: String(item.id) });
      this.desk.fetch(item.media).then((reply) => reply.blob()).then((blob) => {
        image.src = URL.createObjectURL(blob);
        image.addEventListener("load", () => URL.revokeObjectURL(image.src), { once: true });
      }).catch((error) => image.replaceWith(make("span", "", null, error.message)));
    } else {
      make("span", "cell-text", cell, item.text);
    }
    return box;
  }

  /**
   * Whether the key was meant for the grid.
   * @param {string} key
   */
  key(key) {
    if (key === "enter") this.confirm();
    else if (key === "escape") this.leave();
    else return false;
    return true;
  }

  confirm() {
    if (isTooSoon(this.shownAt)) return;  // the Enter that opened the grid was pressed twice
    this.close(this.items.filter((_, i) => this.boxes[i].checked));
  }

  leave() {
    this.close([]);
  }

  /**
   * Answer the ticked items; the others come one by one, and count as shown with their prediction.
   * @param {Item[]} ticked
   */
  close(ticked) {
    const { desk, label } = this;
    const seconds = (performance.now() - this.shownAt) / 1000 / Math.max(1, ticked.length);
    desk.grid = null;
    for (const item of ticked) {
      /** @type {Answer} */
      const answer = { item_id: item.id, action: "label", label, note: null, unsure: false, seconds, reveal: "before" };
      const kept = desk.answers.keep(answer);
      if (kept) desk.answers.remember(item, kept);
    }
    const others = this.items.filter((item) => !ticked.includes(item));
    const isShownAgain = desk.data.reveal === "before";
    if (!isShownAgain) for (const item of others) desk.opinion.shown.set(item.id, item.prediction);
    desk.queue.back(...others.map((item) => ({ ...item, prediction: isShownAgain ? item.prediction : null })));
    desk.next();
    desk.sender.flush();
  }
}

/** @param {Desk} desk */
export async function openGrid(desk) {
  if (desk.grid) return;
  try {
    const { items } = await desk.server.post("like", { tab: desk.tab, n: GRID });
    if (!items.length) {
      desk.say(t("There are no predictions to confirm: they come with the next round."));
      return;
    }
    desk.stage.rest({ reason: "getting" });
    desk.opinion.clear();
    desk.queue.back();
    desk.grid = new Grid(desk, items);
    desk.stage.element.replaceChildren(desk.grid.element);
  } catch (error) {
    desk.say(error.message);
  }
}
