// Where Streamlit mounts the viewer on a page without a desk: the image or text with its tools and keys.
import { make } from "../base/dom.js";
import { FullScreen } from "../base/full_screen.js";
import { isTyped } from "../base/keys.js";
import { opened } from "../base/opened.js";
import { isTooSoon } from "../base/pressed.js";
import { speak } from "../base/words.js";
import { loadPicture } from "../sync/media.js";
import { Server } from "../sync/server.js";
import { TextReader } from "./reader.js";
import { ImageViewer } from "./viewer.js";
/** @import { DeskData, Item } from "../base/types.js" */

/** @typedef {{item: Item} & DeskData} ViewerData of the desk's data: project, language, words, token, keywords */

const DECIDERS = "st-key-deciders-";  // class of what `deciders` in `pages/desk/__init__.py` draws, before the item's id
const UNREAD_MS = 300;  // an item that has been there for less has not been read

class Shown {
  /**
   * @param {Element} root
   * @param {ViewerData} data
   * @param {() => void} rerun of the page, for a new token
   */
  constructor(root, data, rerun) {
    this.data = data;
    opened.clear();
    root.querySelector(".desk")?.remove();
    this.element = make("section", "desk alone", root);
    this.stage = make("div", "stage", make("div", "middle", this.element));
    this.fullScreen = new FullScreen(this.element);
    this.server = new Server(data, rerun);
    this.alive = true;
    this.shownAt = Infinity;
    /** @type {(event: KeyboardEvent) => void} */
    this.onKey = (event) => this.key(event);
    /** @type {(event: MouseEvent) => void} */
    this.onClick = (event) => this.click(event);
    window.addEventListener("keydown", this.onKey, true);
    window.addEventListener("click", this.onClick, true);
    this.show(data.item);
  }

  /** @param {Item} item */
  async show(item) {
    const fullScreen = () => this.fullScreen.toggle();
    try {
      if (item.media) await loadPicture(item, this.server);
    } catch (error) {
      if (this.alive) make("p", "message", this.stage, error.message);
      this.shownAt = performance.now();
      return;
    }
    if (!this.alive) return;
    this.view = item.media ? new ImageViewer(item, this.server, () => [], fullScreen)
      : new TextReader(item, this.data.keywords, fullScreen);
    this.stage.replaceChildren(this.view.element);
    this.stage.dataset.item = String(item.id);
    this.shownAt = performance.now();
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    if (isTyped(event) || document.querySelector("dialog[open], [role=dialog]")) return;
    if (this.view?.key(event) || this.act(event)) event.preventDefault();
    else if (event.key.startsWith("Arrow") || !this.isUnread()) return;
    event.stopPropagation();
  }

  /** @param {MouseEvent} event */
  click(event) {
    const target = event.composedPath()[0];
    if (target instanceof Element && target.closest(`[class*=${DECIDERS}]`) && this.isUnread()) event.stopPropagation();
  }

  /**
   * Whether a press would decide about an item that nobody had read when it was made. The buttons of the next item may
   * be there before the item itself.
   */
  isUnread() {
    if (!document.querySelector(`[class*=${DECIDERS}]`)) return false;
    return isTooSoon(this.shownAt, UNREAD_MS) || !document.querySelector(`.${DECIDERS}${this.data.item.id}`);
  }

  /** @param {KeyboardEvent} event */
  act(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return false;
    if (event.key === "Escape") return opened.closeLatest();
    if (event.key !== ";") return false;
    this.fullScreen.toggle();
    return true;
  }

  destroy() {
    this.alive = false;
    window.removeEventListener("keydown", this.onKey, true);
    window.removeEventListener("click", this.onClick, true);
    this.fullScreen.stop();
    this.view?.destroy();
  }
}

/** @type {WeakMap<Element, Shown>} */
const mounted = new WeakMap();

/**
 * Streamlit calls this on every rerun; the viewer of the same item stays as it is.
 * @param {{data: ViewerData, parentElement: Element, setTriggerValue: (name: string, value: any) => void}} mount
 */
export default function ({ data, parentElement, setTriggerValue }) {
  let shown = mounted.get(parentElement);
  if (shown?.alive && shown.data.item.id === data.item.id && shown.data.project === data.project && shown.data.language === data.language) {
    shown.server.data = data;
  } else {
    shown?.destroy();
    speak(data.words);
    shown = new Shown(parentElement, data, () => setTriggerValue("token", true));
    mounted.set(parentElement, shown);
  }
  return () => shown.destroy();
}
