// A text, read in comfort: larger or smaller letters, keys that scroll, a search of its own, keywords highlighted.
// The text is one text node; what is highlighted are ranges of it, never elements.
import { make } from "../base/dom.js";
import { isComposed } from "../base/keys.js";
import { opened } from "../base/opened.js";
import { t } from "../base/words.js";
import { makeTool } from "./tools.js";
/** @import { Item } from "../base/types.js" */

const LETTERS = { name: "labeler/letters", least: 0.7, most: 2.5, factor: 1.1 };
const LINES = 3;      // that an arrow key scrolls by
const PAGE = 0.88;    // of the visible part, that a page key scrolls by

// Language of a text, by letters that no other has; for the right fonts and line breaks.
/** @type {[string, RegExp][]} */
const SCRIPTS = [["ko", /[\u1100-\u11ff\u3131-\u318e\uac00-\ud7a3]/], ["ja", /[\u3040-\u30ff]/], ["zh", /[\u4e00-\u9fff]/]];

export class TextReader {
  /**
   * @param {Item} item
   * @param {string[]} keywords to highlight
   * @param {() => void} fullScreen enters or leaves it
   */
  constructor(item, keywords, fullScreen) {
    this.item = item;
    this.fullScreen = fullScreen;
    this.build();
    /** @type {Range[]} */
    this.matches = [];       // of the search
    this.current = -1;       // index of the match that is walked to
    /** @type {HTMLElement | null} */
    this.search = null;
    this.scale = Number(localStorage.getItem(LETTERS.name)) || 1;
    this.resize(1);
    this.highlight("labeler-keyword", keywords.flatMap((word) => this.ranges(word)));
  }

  destroy() {
    opened.drop("search");
    for (const name of ["labeler-keyword", "labeler-found", "labeler-current"]) this.highlight(name, []);
  }

  build() {
    this.element = make("div", "reader");
    this.page = make("div", "page", this.element);
    this.page.tabIndex = 0;  // so that it can be scrolled without a mouse, whatever is focused
    this.page.setAttribute("role", "region");
    this.page.setAttribute("aria-label", t("The text to label"));
    this.paragraph = make("p", "text", this.page, this.item.text);
    this.paragraph.dir = "auto";
    const script = SCRIPTS.find(([, letters]) => letters.test(this.item.text));
    if (script) this.paragraph.lang = script[0];
    this.tools = make("div", "tools", this.element);
    this.tools.setAttribute("role", "group");
    this.tools.setAttribute("aria-label", t("Text tools"));
    makeTool(this.tools, { icon: "farther", label: t("Smaller text"), key: "-", run: () => this.resize(1 / LETTERS.factor) });
    make("span", "readout", this.tools, "A").setAttribute("aria-hidden", "true");
    makeTool(this.tools, { icon: "closer", label: t("Larger text"), key: "+", run: () => this.resize(LETTERS.factor) });
    makeTool(this.tools, { icon: "find", label: t("Search in the text"), key: "Control+F", run: () => this.openSearch() });
    makeTool(this.tools, { icon: "fullScreen", label: t("Full screen"), key: ";", run: () => this.fullScreen() });
  }

  /** @param {number} factor 1: as large as before */
  resize(factor) {
    this.scale = Math.min(Math.max(this.scale * factor, LETTERS.least), LETTERS.most);
    this.element.style.setProperty("--letters", String(this.scale));
    if (factor === 1) return;
    try {
      localStorage.setItem(LETTERS.name, this.scale.toFixed(3));
    } catch { /* the size is not remembered */ }
  }

  /**
   * Whether the key was meant for the text.
   * @param {KeyboardEvent} event
   */
  key(event) {
    if ((event.ctrlKey || event.metaKey) && !event.altKey && event.key.toLowerCase() === "f") {
      this.openSearch();
      return true;
    }
    if (event.ctrlKey || event.metaKey || event.altKey) return false;
    if (event.key === "+" || event.key === "=" || event.key === "-") {
      this.resize(event.key === "-" ? 1 / LETTERS.factor : LETTERS.factor);
      return true;
    }
    const target = event.composedPath()[0];
    if (event.key === " " && target instanceof Element && target.closest("button, a, summary, input")) return false;
    const line = LINES * parseFloat(getComputedStyle(this.paragraph).lineHeight);
    const page = PAGE * this.page.clientHeight;
    const way = {
      ArrowUp: -line, ArrowDown: line, PageUp: -page, PageDown: page, " ": event.shiftKey ? -page : page,
      Home: -this.page.scrollHeight, End: this.page.scrollHeight,
    }[event.key];
    if (!way || this.page.scrollHeight <= this.page.clientHeight) return false;
    this.page.scrollTop += way;
    return true;
  }

  // ------------------------------------------------------------ search and highlights

  /**
   * Where the words stand in the text, capitals or not.
   * @param {string} words
   */
  ranges(words) {
    const pattern = words.normalize("NFC").replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
    if (!pattern) return [];
    return [...this.item.text.matchAll(new RegExp(pattern, "giu"))].map((match) => {
      const range = new Range();
      range.setStart(this.paragraph.firstChild, match.index);
      range.setEnd(this.paragraph.firstChild, match.index + match[0].length);
      return range;
    });
  }

  /**
   * @param {string} name of the highlight in CSS
   * @param {Range[]} ranges
   */
  highlight(name, ranges) {
    if (!globalThis.CSS?.highlights) return;  // a browser of before 2025: the search still walks
    if (ranges.length) CSS.highlights.set(name, new Highlight(...ranges));
    else CSS.highlights.delete(name);
  }

  openSearch() {
    if (!this.search) {
      this.search = make("div", "search", this.element);
      this.search.setAttribute("role", "search");
      this.field = make("input", "", this.search);
      this.field.type = "text";
      this.field.setAttribute("aria-label", t("Search in the text"));
      this.field.placeholder = t("Search in the text");
      this.count = make("output", "count", this.search);
      makeTool(this.search, { icon: "previous", label: t("Previous match"), key: "Shift+Enter", run: () => this.walk(-1) });
      makeTool(this.search, { icon: "next", label: t("Next match"), key: "Enter", run: () => this.walk(1) });
      makeTool(this.search, { icon: "×", label: t("Close the search"), key: "Escape", run: () => this.closeSearch() });
      this.field.addEventListener("input", () => this.find());
      this.field.addEventListener("keydown", (event) => this.searchKey(event));
    }
    opened.add("search", () => this.closeSearch());
    this.field.focus();
    this.field.select();
  }

  closeSearch() {
    opened.drop("search");
    this.search.remove();
    this.search = null;
    this.matches = [];
    this.highlight("labeler-found", []);
    this.highlight("labeler-current", []);
  }

  /** @param {KeyboardEvent} event */
  searchKey(event) {
    event.stopPropagation();  // nobody else's shortcuts while somebody types
    if (isComposed(event)) return;
    if (event.key === "Enter") this.walk(event.shiftKey ? -1 : 1);
    else if (event.key === "Escape") this.closeSearch();
    else if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "f") this.field.select();
    else return;
    event.preventDefault();
  }

  find() {
    this.matches = this.ranges(this.field.value);
    this.highlight("labeler-found", this.matches);
    this.current = -1;
    if (this.matches.length) this.walk(1);
    else {
      this.highlight("labeler-current", []);
      this.count.textContent = this.field.value ? t("No match") : "";
    }
  }

  /** @param {1 | -1} step to the next match or the one before */
  walk(step) {
    const all = this.matches.length;
    if (!all) return;
    this.current = (this.current + step + all) % all;
    const match = this.matches[this.current];
    this.highlight("labeler-current", [match]);
    this.count.textContent = t("{n} of {all}", { n: this.current + 1, all });
    const place = match.getBoundingClientRect();
    const page = this.page.getBoundingClientRect();
    if (place.top < page.top || place.bottom > page.bottom) {
      this.page.scrollTop += place.top - page.top - page.height / 3;
    }
  }
}
