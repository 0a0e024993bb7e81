// Slices of a stack or frames of a file, to be scrolled: by wheel, keys, slider or finger. The slices around the one that
// is shown are fetched ahead.
import { make } from "../base/dom.js";
import { t } from "../base/words.js";
import { loadFrame } from "../sync/media.js";
/** @import { Fetching, Item, Picture } from "../base/types.js" */

const SLICES_AHEAD = 3;          // slices that are fetched in each direction
const WHEEL_STEP = 40;    // pixels of a wheel's way for a slice
const FINGER_STEP = 12;   // pixels of a finger's way for a slice

export class Stack {
  /**
   * @param {Element} parent
   * @param {Item} item whose picture has been loaded: its middle slice
   * @param {Fetching} server
   * @param {(picture: Picture) => void} show
   */
  constructor(parent, item, server, show) {
    this.item = item;
    this.server = server;
    this.show = show;
    const [frame, frames] = item.picture.about.frame;
    this.frame = frame;    // that is shown, counted from 1
    this.frames = frames;
    this.way = 0;          // of wheel or finger, less than a slice
    this.gone = false;
    this.element = make("label", "slices panel", parent);
    this.readout = make("span", "", this.element);
    this.slider = make("input", "", this.element);
    Object.assign(this.slider, { type: "range", min: "1", max: String(this.frames), step: "1" });
    this.slider.setAttribute("aria-label", t("Slice"));
    this.slider.title = t("Wheel, Page Up and Page Down; Ctrl and wheel zooms");
    this.slider.addEventListener("input", () => this.go(Number(this.slider.value)));
    this.update();
    this.fetchAhead();
  }

  destroy() {
    this.gone = true;
  }

  /** @param {number} frame counted from 1 */
  go(frame) {
    const next = Math.min(Math.max(frame, 1), this.frames);
    if (next === this.frame) return;
    this.frame = next;
    this.update();
    this.draw();
  }

  /** @param {number} slices down the stack; negative: up */
  by(slices) {
    this.go(this.frame + slices);
  }

  /**
   * @param {number} pixels of a wheel's or a finger's way
   * @param {number} step pixels for a slice
   */
  scroll(pixels, step) {
    this.way += pixels / step;
    const whole = Math.trunc(this.way);
    this.way -= whole;
    if (whole) this.by(whole);
  }

  /** @param {number} pixels */
  wheel(pixels) {
    this.scroll(pixels, WHEEL_STEP);
  }

  /** @param {number} pixels downwards */
  drag(pixels) {
    this.scroll(pixels, FINGER_STEP);
  }

  // The slice that is chosen now, through the window that is chosen now.
  async draw() {
    const { frame } = this;
    try {
      const picture = await loadFrame(this.item, this.server, frame, true);
      if (this.gone || frame !== this.frame) return;
      this.show(picture);
      this.fetchAhead();
    } catch { /* the slice before stays; the next move asks again */ }
  }

  fetchAhead() {
    for (let away = 1; away <= SLICES_AHEAD; away += 1) {
      for (const frame of [this.frame + away, this.frame - away]) {
        if (frame >= 1 && frame <= this.frames) loadFrame(this.item, this.server, frame).catch(() => {});
      }
    }
  }

  update() {
    this.slider.value = String(this.frame);
    this.readout.textContent = t("Slice {frame} of {frames}", { frame: this.frame, frames: this.frames });
  }
}
