// The middle of the desk: the item to answer as soon as its image is there, or what is being waited for.
import { make } from "../base/dom.js";
import { TOO_SOON_MS } from "../base/pressed.js";
import { t } from "../base/words.js";
import { drawRest } from "../panels/rest.js";
import { loadPicture } from "../sync/media.js";
import { TextReader } from "../view/reader.js";
import { ImageViewer } from "../view/viewer.js";
/** @import { Item, Waiting } from "../base/types.js" */
/** @import { Desk } from "../desk.js" */

/**
 * What the stage reports.
 * @typedef {object} StageEvents
 * @property {(item: Item | null) => void} shown null: there is nothing to answer
 * @property {(item: Item, error: Error) => void} failed its image could not be loaded
 */

export class Stage {
  /**
   * @param {Element} parent
   * @param {Desk} desk
   * @param {StageEvents} events
   */
  constructor(parent, desk, events) {
    this.desk = desk;
    this.events = events;
    this.alive = true;
    /** @type {Item | null} */
    this.item = null;            // shown, or about to be
    /** @type {ImageViewer | TextReader | null} */
    this.view = null;            // draws the item
    /** @type {number | null} */
    this.shownAt = null;         // when it became visible; null: nothing that could be answered
    this.element = make("div", "stage", parent);
    this.announced = make("p", "announced", parent);  // what a screen reader says of a new item, without the viewer's tools
    this.announced.setAttribute("role", "status");
  }

  destroy() {
    this.alive = false;
    this.view?.destroy();
  }

  get hasItem() {
    return this.shownAt !== null;
  }

  /**
   * Show that there is nothing to answer, and why.
   * @param {Waiting} waiting
   * @param {() => void} [resume]
   */
  rest(waiting, resume) {
    this.shownAt = null;
    this.item = null;
    this.view?.destroy();
    this.view = null;
    delete this.element.dataset.item;
    delete this.element.dataset.ready;
    drawRest(this.element, waiting, resume);
    this.events.shown(null);
  }

  /** @param {Item} item */
  async show(item) {
    this.item = item;
    this.shownAt = null;
    if (item.media && !await this.load(item)) return;
    this.view?.destroy();
    const fullScreen = () => this.desk.fullScreen.toggle();
    this.view = item.media ? new ImageViewer(item, this.desk.server, () => this.desk.queue.items, fullScreen)
      : new TextReader(item, this.desk.data.keywords, fullScreen);
    this.element.replaceChildren(this.view.element);
    this.element.dataset.item = String(item.id);
    delete this.element.dataset.ready;
    this.shownAt = performance.now();
    clearTimeout(this.readying);  // the same item may be shown anew
    this.readying = setTimeout(() => this.item === item && (this.element.dataset.ready = ""), TOO_SOON_MS);
    this.announced.textContent = item.text ?? t("The next image");
    this.events.shown(item);
  }

  /**
   * Load the item's image; whether it came, and the item is still the one to be shown.
   * @param {Item} item
   */
  async load(item) {
    if (!item.picture) drawRest(this.element, { reason: "getting" });
    try {
      await loadPicture(item, this.desk.server);
    } catch (error) {
      if (this.item === item && this.alive) this.events.failed(item, error);
      return false;
    }
    return this.item === item && this.alive;
  }

  /** @param {number} frame of the stack that is shown, counted from 1 */
  showSlice(frame) {
    if (this.view instanceof ImageViewer) this.view.stack?.go(frame);
  }

  /**
   * Whether the key moves or turns what is shown.
   * @param {KeyboardEvent} event
   */
  key(event) {
    return this.hasItem && Boolean(this.view?.key(event));
  }
}
