// The buttons of everything that is not a class, each with its key.
class Actions {
  constructor(parent, desk) {
    this.element = make("div", "actions", parent);
    const action = (key, text, run, title) => makeButton("action", this.element, { key, text, title, run });
    const confirm = desk.several && action("Enter", t("Confirm"), () => desk.confirm());
    this.undo = action("U", t("Undo"), () => desk.undo());
    const skip = action("S", t("Skip"), () => desk.answer("skip", null), t("Somebody else may answer it."));
    this.unsure = action("N", t("Not sure"), () => this.setUnsure(!this.isUnsure),
      t("The answer counts, and is looked at again."));
    const flag = action("F", t("Flag"), () => desk.flag(), t("For the project lead, with a note."));
    const why = action("W", t("Why this?"), () => desk.whyPanel.toggle(desk.item));
    if (desk.data.guidelines.digest) action("G", t("Guidelines"), () => desk.guide.open());
    if (desk.data.grid) action("", t("Many at once"), () => openGrid(desk));
    action("", t("Break"), () => desk.takeBreak(), t("Frees your items and stops the clock."));
    this.ofItem = [confirm, skip, this.unsure, flag, why].filter(Boolean);
    this.setUnsure(false);
  }

  setUnsure(on) {
    this.isUnsure = on;
    this.unsure.setAttribute("aria-pressed", String(on));
  }

  enable(on, undo) {
    for (const button of this.ofItem) button.disabled = !on;
    this.undo.disabled = !undo;
  }
}
