// An image, seen well: zoom, pan, turn, brightness and contrast, grid, details. `item.picture` has been loaded.
// Everything is placed in image pixels on one plane, which a single transform puts on the screen.
import { make } from "../base/dom.js";
import { opened } from "../base/opened.js";
import { viewing } from "../base/viewing.js";
import { t } from "../base/words.js";
import { frameQuery, loadPicture } from "../sync/media.js";
import { Light, LightPanel } from "./light.js";
import { Stack } from "./stack.js";
import { Tiles } from "./tiles.js";
import { ViewerTools } from "./tools.js";
/** @import { Fetching, Item, Picture } from "../base/types.js" */

/** @typedef {[number, number]} Point across and down */

const ZOOM_STEP = 1.25;   // zoom of a key press or a button
const MOST_ZOOM = 32;     // screen pixels for an image pixel
const PIXELS_FROM = 3;    // from which on pixels are drawn as squares
const PAN = 0.15;         // of the visible part, by an arrow key
const GRID_CELLS = 8;     // along the longer side, about

export class ImageViewer {
  /**
   * @param {Item} item whose picture has been loaded
   * @param {Fetching} server
   * @param {() => Item[]} upcoming items that come next
   * @param {() => void} fullScreen enters or leaves it
   */
  constructor(item, server, upcoming, fullScreen) {
    this.item = item;
    this.server = server;
    this.upcoming = upcoming;
    this.fullScreen = fullScreen;
    this.about = item.picture.about;
    /** @type {number | null} */
    this.zoom = null;        // CSS pixels for an image pixel; null: as large as fits
    this.turns = 0;          // quarters, clockwise
    /** @type {Point} */
    this.centre = [this.about.width / 2, this.about.height / 2];  // the image pixel in the middle
    /** @type {Point} */
    this.size = [0, 0];      // of the viewport
    /** @type {Map<number, Point>} */
    this.fingers = new Map();  // by the pointer's id
    this.gone = false;
    this.build();
    this.light = new Light(this.about, (filter) => this.showLight(filter), () => this.redraw());
    this.light.apply();
    this.tiles = new Tiles(this.plane, this.about, server, (tile) => `${item.media}/tile/${tile}${this.query()}`);
    this.watch = new ResizeObserver(() => {
      this.size = [this.viewport.clientWidth, this.viewport.clientHeight];
      this.draw();
    });
    this.watch.observe(this.viewport);
    this.toggleGrid(viewing.grid);
    this.toggleDetails(viewing.details);
    this.toggleLight(viewing.lighting);
  }

  destroy() {
    this.gone = true;
    this.watch.disconnect();
    this.light.destroy();
    this.tiles.clear();
    this.stack?.destroy();
  }

  // How the server is asked for a part of what is shown.
  query() {
    return this.stack ? frameQuery(viewing.query(), this.stack.frame) : viewing.query();
  }

  // ------------------------------------------------------------ what is drawn

  build() {
    this.element = make("div", "viewer");
    this.viewport = make("div", "viewport", this.element);
    this.plane = make("div", "plane", this.viewport);
    this.plane.style.width = `${this.about.width}px`;
    this.plane.style.height = `${this.about.height}px`;
    this.plane.append(this.item.picture.image);
    /** @type {Stack | null} */
    this.stack = this.about.frame
      ? new Stack(this.viewport, this.item, this.server, (picture) => this.replace(picture)) : null;
    this.tools = new ViewerTools(this.element, this);
    this.viewport.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    this.viewport.addEventListener("dblclick", (event) => this.toggleActual(this.place(event)));
    this.viewport.addEventListener("pointerdown", (event) => this.press(event));
    this.viewport.addEventListener("pointermove", (event) => this.move(event));
    for (const end of /** @type {const} */ (["pointerup", "pointercancel"])) {
      this.viewport.addEventListener(end, (event) => this.fingers.delete(event.pointerId));
    }
  }

  get fit() {
    const { width, height } = this.about;
    const [across, down] = this.turns % 2 ? [height, width] : [width, height];
    return Math.min(this.size[0] / across, this.size[1] / down);
  }

  get scale() {
    return this.zoom ?? this.fit;
  }

  draw() {
    if (!this.size[0] || !this.size[1] || this.gone) return;
    const { width, height } = this.about;
    const scale = this.scale;
    const half = this.size.map((side) => side / 2 / scale);
    if (this.turns % 2) half.reverse();
    /** @type {(side: number, axis: number) => number} */
    const centreOf = (side, axis) => (
      side <= 2 * half[axis] ? side / 2 : Math.min(Math.max(this.centre[axis], half[axis]), side - half[axis]));
    this.centre = [centreOf(width, 0), centreOf(height, 1)];
    const [x, y] = this.centre;
    this.plane.style.transform = `translate(${this.size[0] / 2}px, ${this.size[1] / 2}px) rotate(${90 * this.turns}deg)`
      + ` scale(${scale}) translate(${-x}px, ${-y}px)`;
    this.plane.style.setProperty("--line", `${1 / scale}px`);
    const screen = scale * devicePixelRatio;
    this.plane.classList.toggle("squares", screen >= PIXELS_FROM && this.zoom !== null);
    this.viewport.classList.toggle("closer", this.zoom !== null);
    this.viewport.dataset.zoom = screen.toPrecision(4);
    this.tools.update(screen);
    if (this.about.levels && screen * width > this.item.picture.image.naturalWidth) {
      this.tiles.show({ left: x - half[0], top: y - half[1], right: x + half[0], bottom: y + half[1] }, screen);
    }
  }

  // The scan through the window that is chosen now, in full depth; the items that come next as well.
  async redraw() {
    try {
      const picture = await loadPicture(this.item, this.server);
      if (this.gone || picture !== this.item.picture) return;
      if (this.stack) await this.stack.draw();
      else this.replace(picture);
    } catch { /* the filter shows it meanwhile; the next change asks again */ }
    for (const item of this.upcoming()) if (item.media) loadPicture(item, this.server).catch(() => {});
  }

  /** @param {Picture} picture of the same size, in place of the one that is shown */
  replace(picture) {
    this.plane.querySelector(".image").replaceWith(picture.image);
    this.about = this.light.about = picture.about;
    this.tiles.clear();
    this.light.apply();
    this.draw();
  }

  /** @param {string} filter of CSS */
  showLight(filter) {
    this.plane.style.filter = filter;
    this.panel?.update();
    this.tools.press("invert", viewing.invert);
  }

  // ------------------------------------------------------------ what a person does

  /**
   * Zoom so that what is at a place stays there.
   * @param {number} scale CSS pixels for an image pixel
   * @param {Point} [at] from the viewport's middle
   */
  zoomTo(scale, at = [0, 0]) {
    const from = this.unturn(at, this.scale);
    const most = Math.max(MOST_ZOOM / devicePixelRatio, this.fit);
    this.zoom = scale <= this.fit ? null : Math.min(scale, most);
    const to = this.unturn(at, this.scale);
    this.centre = [this.centre[0] + from[0] - to[0], this.centre[1] + from[1] - to[1]];
    this.draw();
  }

  /**
   * @param {number} factor
   * @param {Point} [at] from the viewport's middle
   */
  zoomBy(factor, at) {
    this.zoomTo(this.scale * factor, at);
  }

  zoomIn() {
    this.zoomBy(ZOOM_STEP);
  }

  zoomOut() {
    this.zoomBy(1 / ZOOM_STEP);
  }

  /**
   * Whole, or one screen pixel for each image pixel; a small image that fits anyway is magnified instead.
   * @param {Point} [at] from the viewport's middle
   */
  toggleActual(at) {
    const actual = 1 / devicePixelRatio;
    this.zoomTo(this.zoom !== null ? 0 : actual > this.fit ? actual : 3 * this.fit, at);
  }

  turn() {
    this.turns = (this.turns + 1) % 4;
    this.draw();
  }

  /**
   * @param {number} x CSS pixels
   * @param {number} y
   */
  panBy(x, y) {
    const [right, down] = this.unturn([x, y], this.scale);
    /** @type {Point} */
    this.centre = [this.centre[0] + right, this.centre[1] + down];
    this.draw();
  }

  reset() {
    this.zoom = null;
    this.turns = 0;
    this.light.reset();
    this.draw();
  }

  toggleGrid(on = !viewing.grid) {
    viewing.set({ grid: on });
    this.grid?.remove();
    this.grid = on ? make("div", "grid", this.plane) : null;
    this.grid?.style.setProperty("--cell", `${Math.max(this.about.width, this.about.height) / GRID_CELLS}px`);
    this.tools.press("grid", on);
  }

  toggleDetails(on = !viewing.details) {
    viewing.set({ details: on });
    this.details?.remove();
    this.details = on ? this.buildDetails() : null;
    if (on) opened.add("details", () => this.toggleDetails(false));
    else opened.drop("details");
    this.tools.press("details", on);
  }

  buildDetails() {
    const list = make("dl", "details panel", this.viewport);
    list.setAttribute("aria-label", t("Details"));
    const { width, height } = this.about;
    const rows = [[t("Size"), t("{width} × {height} pixels", { width, height })]];
    for (const [name, value] of [...rows, ...Object.entries(this.item.metadata ?? {})]) {
      make("dt", "", list, name);
      make("dd", "", list, value).dir = "auto";
    }
    return list;
  }

  toggleLight(on = !viewing.lighting) {
    viewing.set({ lighting: on });
    this.panel?.element.remove();
    this.panel = on ? new LightPanel(this.viewport, this.light) : null;
    if (on) opened.add("light", () => this.toggleLight(false));
    else opened.drop("light");
    this.tools.press("light", on);
  }

  /**
   * Whether the key was meant for the image.
   * @param {KeyboardEvent} event
   */
  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return false;
    const target = event.composedPath()[0];
    const slides = target instanceof Element && target.matches("input[type=range]");
    const pan = slides || this.zoom === null ? null : {
      ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1],
    }[event.key];
    if (pan) {
      this.panBy(pan[0] * PAN * this.size[0], pan[1] * PAN * this.size[1]);
      return true;
    }
    if (slides && event.key === "Home") return false;
    /** @param {() => void} run but not again while the key is held */
    const once = (run) => (event.repeat ? () => {} : run);
    /** @type {Record<string, () => void>} */
    const acts = {
      "+": () => this.zoomIn(),
      "=": () => this.zoomIn(),
      "-": () => this.zoomOut(),
      ".": () => this.toggleActual(),
      ",": () => this.turn(),
      "[": () => this.light.adjust(-1, 0),
      "]": () => this.light.adjust(1, 0),
      "{": () => this.light.adjust(0, -1),
      "}": () => this.light.adjust(0, 1),
      "\\": once(() => this.light.invert()),
      "#": once(() => this.toggleGrid()),
      "'": once(() => this.toggleDetails()),
      ...(this.stack ? { PageUp: () => this.stack.by(-1), PageDown: () => this.stack.by(1) } : {}),
      Home: () => this.reset(),
    };
    acts[event.key]?.();
    return event.key in acts;
  }

  // ------------------------------------------------------------ wheel, mouse and fingers

  /** @param {WheelEvent} event */
  wheel(event) {
    event.preventDefault();
    const lines = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 16 : 1;
    if (this.stack && !event.ctrlKey) {  // as radiologists' viewers do; with Ctrl the wheel zooms
      this.stack.wheel(event.deltaY * lines);
      return;
    }
    const speed = event.ctrlKey ? 0.01 : 0.0015;  // a pinch on a touchpad comes as a wheel with Ctrl
    this.zoomBy(Math.exp(-event.deltaY * lines * speed), this.place(event));
  }

  /** @param {PointerEvent} event */
  press(event) {
    if (event.button !== 0 || (event.target instanceof Element && event.target.closest(".panel"))) return;
    this.viewport.setPointerCapture(event.pointerId);
    this.fingers.set(event.pointerId, this.place(event));
  }

  /** @param {PointerEvent} event */
  move(event) {
    const before = this.fingers.get(event.pointerId);
    if (!before) return;
    const now = this.place(event);
    const other = [...this.fingers].find(([id]) => id !== event.pointerId)?.[1];
    this.fingers.set(event.pointerId, now);
    if (other) {
      /** @type {(a: Point, b: Point) => number} */
      const apart = (a, b) => Math.hypot(a[0] - b[0], a[1] - b[1]) || 1;
      this.zoomBy(apart(now, other) / apart(before, other), [(now[0] + other[0]) / 2, (now[1] + other[1]) / 2]);
    }
    else if (this.stack && this.zoom === null) this.stack.drag(now[1] - before[1]);
    const share = other ? 0.5 : 1;  // two fingers move the image by half of what each of them moves
    if (this.zoom !== null) this.panBy((before[0] - now[0]) * share, (before[1] - now[1]) * share);
  }

  /**
   * Where the pointer is, from the viewport's middle.
   * @param {MouseEvent} event
   * @returns {Point}
   */
  place(event) {
    const box = this.viewport.getBoundingClientRect();
    return [event.clientX - box.left - box.width / 2, event.clientY - box.top - box.height / 2];
  }

  /**
   * A way on the screen as a way on the image.
   * @param {Point} way CSS pixels
   * @param {number} scale CSS pixels for an image pixel
   * @returns {Point}
   */
  unturn([x, y], scale) {
    const [right, down] = [[x, y], [y, -x], [-x, -y], [-y, x]][this.turns];
    return [right / scale, down / scale];
  }
}
