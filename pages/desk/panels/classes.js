// The buttons of the classes: by group, with colours and keys, and a search where there are many. With several
// classes an item they are toggles, which `chosen` gives in the project's order.
import { make, makeButton } from "../base/dom.js";
import { classOfKey, isComposed } from "../base/keys.js";
import { t } from "../base/words.js";
/** @import { ClassDetail, DeskData } from "../base/types.js" */

const SEARCH_FROM = 13;  // classes

export class ClassBar {
  /**
   * @param {Element} parent
   * @param {DeskData} data
   * @param {(name: string) => void} choose
   */
  constructor(parent, data, choose) {
    this.classes = data.classes;
    this.several = data.answers === "several";
    this.choose = choose;
    /** @type {Set<string>} */
    this.on = new Set();  // names of the classes that are chosen
    this.element = make("div", "class-bar", parent);
    if (this.classes.length >= SEARCH_FROM) this.buildSearch();
    const list = make("div", "class-list", this.element);
    list.setAttribute("role", "group");
    list.setAttribute("aria-label", t("Classes"));
    /** @type {Map<string, ClassDetail[]>} */
    const groups = new Map();
    for (const detail of this.classes) groups.set(detail.group, [...(groups.get(detail.group) ?? []), detail]);
    /** @type {Map<string, HTMLButtonElement>} */
    this.buttons = new Map();
    this.groups = [...groups].map(([name, members]) => {
      const group = make("div", "class-group", list);
      if (name) make("h3", "", group, name);
      const grid = make("div", "classes", group);
      for (const detail of members) this.buttons.set(detail.name, this.buildButton(grid, detail));
      return { group, members };
    });
  }

  /**
   * @param {Element} parent
   * @param {ClassDetail} detail
   */
  buildButton(parent, { name, key, colour, description }) {
    const button = makeButton("class", parent, {
      key: key.toUpperCase(), text: name, title: description, run: () => this.choose(name),
    });
    if (colour) button.style.setProperty("--colour", colour);
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
      if (isComposed(event)) return;
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
    const typed = (this.search?.value ?? "").trim().toLowerCase();
    const matches = this.classes.filter((detail) => detail.name.toLowerCase().includes(typed));
    /** @param {ClassDetail} detail */
    const isBeginning = ({ name }) => name.toLowerCase().startsWith(typed);
    return [...matches.filter(isBeginning), ...matches.filter((detail) => !isBeginning(detail))];
  }

  filter() {
    const matches = this.matches();
    const first = this.search.value.trim() ? matches[0] : null;
    for (const detail of this.classes) {
      const button = this.buttons.get(detail.name);
      button.hidden = !matches.includes(detail);
      button.classList.toggle("first", detail === first);
    }
    for (const { group, members } of this.groups) group.hidden = !members.some((detail) => matches.includes(detail));
  }

  // ------------------------------------------------------------ what is chosen

  /**
   * The name of the class that a key answers with, or null.
   * @param {string} key
   */
  byKey(key) {
    return classOfKey(this.classes, key)?.name ?? null;
  }

  /** @param {string} name */
  toggle(name) {
    this.set(this.on.has(name) ? [...this.on].filter((other) => other !== name) : [...this.on, name]);
  }

  /** @param {string[]} names of the classes to be chosen */
  set(names) {
    this.on = new Set(names);
    for (const [name, button] of this.buttons) {
      if (this.several) button.setAttribute("aria-pressed", String(this.on.has(name)));
      else button.classList.toggle("current", this.on.has(name));
    }
  }

  get chosen() {
    return this.classes.map((detail) => detail.name).filter((name) => this.on.has(name));
  }

  /** @param {string} name */
  flash(name) {
    const button = this.buttons.get(name);
    button?.classList.add("pressed");
    setTimeout(() => button?.classList.remove("pressed"), 150);
  }

  /** @param {boolean} on */
  enable(on) {
    for (const button of this.buttons.values()) button.disabled = !on;
  }
}
