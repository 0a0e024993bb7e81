// A panel beside the stage, or below it where there is no room. It is no dialog: it covers nothing, and class keys answer
// while it is open. There is place for one at a time.
import { make, makeButton } from "../base/dom.js";
import { opened } from "../base/opened.js";
import { t } from "../base/words.js";

const SCROLL_KEYS = ["arrowup", "arrowdown", "arrowleft", "arrowright", "pageup", "pagedown", "home", "end", " ", "enter"];
/** @type {Set<SidePanel>} */
const openPanels = new Set();

export class SidePanel {
  /**
   * @param {string} name its CSS class
   * @param {string} title
   * @param {string} key that closes it
   */
  constructor(name, title, key) {
    this.name = name;
    this.isOpen = false;
    this.element = make("aside", `side-panel ${name}`);
    this.element.hidden = true;
    this.element.tabIndex = -1;
    this.element.setAttribute("aria-label", title);
    const body = make("div", "side-body", this.element);
    const head = make("div", "side-head", body);
    make("h2", "", head, title);
    makeButton("side-close", head, { key, text: t("Close"), run: () => this.close() });
    this.content = make("div", "side-content", body);
  }

  get focused() {
    const root = this.element.getRootNode();
    return root instanceof ShadowRoot || root instanceof Document ? root.activeElement : null;
  }

  /** @param {boolean} [focus] whether the keys that scroll are for the panel from now on */
  reveal(focus = true) {
    for (const panel of openPanels) panel.close();
    openPanels.add(this);
    this.isOpen = true;
    this.before = this.focused;
    this.element.hidden = false;
    opened.add(this.name, () => this.close());
    if (focus) this.element.focus({ preventScroll: true });
  }

  close() {
    if (!this.isOpen) return;
    const inside = this.element.contains(this.focused);
    openPanels.delete(this);
    opened.drop(this.name);
    this.isOpen = false;
    this.element.hidden = true;
    this.clear();
    if (inside && this.before instanceof HTMLElement && this.before.isConnected) this.before.focus({ preventScroll: true });
  }

  clear() {
    this.content.replaceChildren();
  }

  /**
   * Whether the key belongs to what has the focus in the panel: it scrolls it, moves its slider, presses its buttons.
   * @param {KeyboardEvent} event
   */
  holds(event) {
    return this.isOpen && event.composedPath().includes(this.element) && SCROLL_KEYS.includes(event.key.toLowerCase());
  }

  destroy() {
    this.close();
    this.element.remove();
  }
}
