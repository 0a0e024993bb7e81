// Confirms many like predictions at once: all are ticked, and what is something else is unticked and answered alone.
const GRID = 20;

class Grid {
  constructor(desk, items) {
    this.desk = desk;
    this.items = items;
    this.label = items[0].prediction.label;
    this.shownAt = performance.now();
    this.element = make("div", "grid");
    const name = desk.said(this.label);
    make("h2", "", this.element,
      t("To the model these look like “{label}”. Untick what is something else.", { label: name }));
    const cells = make("div", "cells", this.element);
    this.boxes = items.map((item) => this.cell(cells, item));
    const row = make("div", "actions", this.element);
    makeButton("action confirm", row, {
      key: "Enter", text: t("Confirm the ticked as “{label}”", { label: name }), run: () => this.confirm(),
    });
    makeButton("action", row, { key: "Esc", text: t("One by one"), run: () => this.leave() });
  }

  cell(parent, item) {
    const cell = make("label", "cell", parent);
    const box = make("input", "", cell);
    box.type = "checkbox";
    box.checked = true;
    if (item.media) {
      const image = make("img", "", cell);
      image.alt = t("Item {id}", { id: item.id });
      this.desk.fetch(`media/${item.id}`).then((reply) => reply.blob()).then((blob) => {
        image.src = URL.createObjectURL(blob);
        image.addEventListener("load", () => URL.revokeObjectURL(image.src), { once: true });
      }).catch((error) => image.replaceWith(make("span", "", null, error.message)));
    } else {
      make("span", "cell-text", cell, item.text);
    }
    return box;
  }

  key(key) {
    if (key === "enter") this.confirm();
    else if (key === "escape") this.leave();
    else return false;
    return true;
  }

  confirm() {
    this.close(this.items.filter((_, i) => this.boxes[i].checked));
  }

  leave() {
    this.close([]);
  }

  // The ticked are answered; the others come one by one, and are known to have been seen with their prediction.
  close(ticked) {
    const { desk, label } = this;
    const seconds = (performance.now() - this.shownAt) / 1000 / Math.max(1, ticked.length);
    desk.grid = null;
    for (const item of ticked) {
      const entry = { item_id: item.id, action: "label", label, note: null, unsure: false };
      if (desk.keep({ ...entry, seconds, reveal: "before" })) desk.remember(item, entry);
    }
    const others = this.items.filter((item) => !ticked.includes(item));
    const shown = desk.data.reveal === "before";
    if (!shown) for (const item of others) desk.opinion.told.set(item.id, item.prediction);
    desk.queue.back(...others.map((item) => ({ ...item, prediction: shown ? item.prediction : null })));
    desk.next();
    desk.sender.flush();
  }
}

async function openGrid(desk) {
  if (desk.grid) return;
  try {
    const { items } = await desk.server.post("like", { tab: desk.tab, n: GRID });
    if (!items.length) return void desk.say(t("There are no predictions to confirm: they come with the next round."));
    desk.rest({ reason: "getting" });
    desk.opinion.clear();
    desk.queue.back();
    desk.grid = new Grid(desk, items);
    desk.stage.replaceChildren(desk.grid.element);
  } catch (error) {
    desk.say(error.message);
  }
}
