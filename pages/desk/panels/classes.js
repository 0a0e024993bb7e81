// The buttons of the classes: by group, with colours and keys, and a search where there are many. With several
// classes an item they are toggles, which `chosen` gives in the project's order.
const SEARCH_FROM = 13;  // classes

class ClassBar {
  constructor(parent, data, choose) {
    this.classes = data.classes;
    this.several = data.answers === "several";
    this.choose = choose;
    this.on = new Set();
    this.keys = classKeys(this.classes);
    this.element = make("div", "class-bar", parent);
    if (this.classes.length >= SEARCH_FROM) this.buildSearch();
    const list = make("div", "class-list", this.element);
    list.setAttribute("role", "group");
    list.setAttribute("aria-label", t("Classes"));
    const groups = new Map();
    for (const one of this.classes) groups.set(one.group, [...(groups.get(one.group) ?? []), one]);
    this.buttons = new Map();
    this.groups = [...groups].map(([name, members]) => {
      const group = make("div", "class-group", list);
      if (name) make("h3", "", group, name);
      const grid = make("div", "classes", group);
      for (const one of members) this.buttons.set(one.name, this.buildButton(grid, one));
      return { group, members };
    });
  }

  buildButton(parent, one) {
    const key = this.keys[this.classes.indexOf(one)];
    const button = makeButton("class", parent, {
      key: key.toUpperCase(), text: one.name, title: one.description, run: () => this.choose(one.name),
    });
    if (one.colour) button.style.setProperty("--colour", one.colour);
    if (this.several) button.setAttribute("aria-pressed", "false");
    return button;
  }

  // ------------------------------------------------------------ type-ahead

  buildSearch() {
    this.search = make("input", "class-search", this.element);
    this.search.type = "search";
    this.search.placeholder = t("Search classes ( / )");
    this.search.setAttribute("aria-label", t("Search classes"));
    this.search.addEventListener("input", () => this.filter());
    this.search.addEventListener("keydown", (event) => {
      if (event.isComposing || event.keyCode === 229) return;
      if (event.key === "Enter") {
        const first = this.matches()[0];
        this.leaveSearch();
        if (first) this.choose(first.name);
      } else if (event.key === "Escape") {
        this.leaveSearch();
      } else return;
      event.preventDefault();
      event.stopPropagation();
    });
  }

  focusSearch() {
    this.search?.focus();
    return Boolean(this.search);
  }

  leaveSearch() {
    this.search.value = "";
    this.filter();
    this.search.blur();
  }

  // Names that begin with what was typed come before those that hold it.
  matches() {
    const wanted = (this.search?.value ?? "").trim().toLowerCase();
    const at = (one) => one.name.toLowerCase().indexOf(wanted);
    return this.classes.filter((one) => at(one) >= 0).sort((a, b) => (at(a) > 0) - (at(b) > 0));
  }

  filter() {
    const found = new Set(this.matches());
    const first = this.search.value.trim() ? this.matches()[0] : null;
    for (const one of this.classes) {
      const button = this.buttons.get(one.name);
      button.hidden = !found.has(one);
      button.classList.toggle("first", one === first);
    }
    for (const { group, members } of this.groups) group.hidden = !members.some((one) => found.has(one));
  }

  // ------------------------------------------------------------ what is chosen

  byKey(key) {
    const index = key ? this.keys.indexOf(key) : -1;
    return index < 0 ? null : this.classes[index].name;
  }

  toggle(name) {
    this.set(this.on.has(name) ? [...this.on].filter((one) => one !== name) : [...this.on, name]);
  }

  set(names) {
    this.on = new Set(names);
    for (const [name, button] of this.buttons) {
      if (this.several) button.setAttribute("aria-pressed", String(this.on.has(name)));
      else button.classList.toggle("current", this.on.has(name));
    }
  }

  get chosen() {
    return this.classes.map((one) => one.name).filter((name) => this.on.has(name));
  }

  flash(name) {
    const button = this.buttons.get(name);
    button?.classList.add("pressed");
    setTimeout(() => button?.classList.remove("pressed"), 150);
  }

  enable(on) {
    for (const button of this.buttons.values()) button.disabled = !on;
  }
}
