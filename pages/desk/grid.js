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
      this.desk.fetch(`media/${item.id}?size=256`).then((reply) => reply.blob()).then((blob) => {
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
    const ticked = this.items.filter((_, i) => this.boxes[i].checked);
    const seconds = (performance.now() - this.shownAt) / 1000 / Math.max(1, ticked.length);
    this.desk.confirmGrid(this.label, ticked, this.items.filter((item) => !ticked.includes(item)), seconds);
  }

  leave() {
    this.desk.confirmGrid(this.label, [], this.items, 0);
  }
}
