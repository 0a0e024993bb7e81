// Brightness, contrast and inversion: which values are drawn black and which white. Every image has a window of
// values: a scan one in its own unit, which the server draws in full depth; any other image one from 0 to 255, which
// the browser does by a filter. The filter also shows at once what the server is about to draw.
import { make } from "../base/dom.js";
import { viewing } from "../base/viewing.js";
import { t } from "../base/words.js";
/** @import { ImageAbout, ValueWindow } from "../base/types.js" */

/** @type {ValueWindow} */
const PLAIN = [0, 255];
const STEP = 0.06;  // of the window's width that a key press moves it by
const FACTOR = 1.15;  // by which a key press makes it narrower
const REDRAW_MS = 150;

/** @type {Record<string, () => string>} */
const WINDOW_NAMES = {
  file: () => t("As in the file"),
  auto: () => t("Automatic"),
  percentile: () => t("1–99%"),
  full: () => t("Full range"),
  lung: () => t("Lung"),
  soft_tissue: () => t("Soft tissue"),
  brain: () => t("Brain"),
  bone: () => t("Bone"),
};

export class Light {
  /**
   * @param {ImageAbout} about
   * @param {(filter: string) => void} show applies a CSS filter
   * @param {() => void} redraw gets the scan drawn through the window that is chosen now
   */
  constructor(about, show, redraw) {
    this.about = about;
    this.show = show;
    this.redraw = redraw;
    this.scan = Boolean(about.drawn);
    const full = this.scan ? about.windows.full : [8, 247];
    this.range = { low: full[0], high: Math.max(full[1], full[0] + 1) };
  }

  /**
   * The window that an image has while nobody chose another.
   * @returns {ValueWindow}
   */
  get base() {
    return this.scan ? Object.values(this.about.windows)[0] : PLAIN;
  }

  /** @returns {ValueWindow} */
  get window() {
    if (!this.scan) return viewing.light ?? PLAIN;
    const { chosen } = viewing;
    if (chosen?.name) return this.about.windows[chosen.name] ?? this.base;
    return chosen && (chosen.unit ?? null) === this.about.unit ? [chosen.low, chosen.high] : this.base;
  }

  set window([low, high]) {
    if (this.scan) viewing.set({ chosen: { low, high, unit: this.about.unit } });
    else viewing.set({ light: [low, high] });
    this.apply();
  }

  /** @param {string} name of a window of the scan */
  choose(name) {
    viewing.set({ chosen: { name } });
    this.apply();
  }

  invert() {
    viewing.set({ invert: !viewing.invert });
    this.apply();
  }

  reset() {
    viewing.set(this.scan ? { chosen: null, invert: false } : { light: null, invert: false });
    this.apply();
  }

  /**
   * Brighter and more contrast by so many steps.
   * @param {number} brighter
   * @param {number} contrast
   */
  adjust(brighter, contrast) {
    const [low, high] = this.window;
    const width = high - low;
    this.setWindow((low + high) / 2 - brighter * STEP * width, width * FACTOR ** -contrast);
  }

  /**
   * Choose this window, as far as the image's values go.
   * @param {number} centre
   * @param {number} width
   */
  setWindow(centre, width) {
    const { low, high } = this.range;
    const [from, to] = this.base;
    const middle = Math.min(Math.max(centre, low), high);
    const wide = Math.min(Math.max(width, (to - from) / 32), Math.max(to - from, high - low) * 16);
    this.window = [middle - wide / 2, middle + wide / 2];
  }

  // ------------------------------------------------------------ as the sliders have it, from -100 to 100

  get sliders() {
    const [from, to] = this.base;
    const [low, high] = this.window;
    const middle = (from + to) / 2;
    const moved = (low + high) / 2 - middle;
    const room = moved < 0 ? middle - this.range.low : this.range.high - middle;
    return { brightness: (-100 * moved) / (room || 1), contrast: -100 * (Math.log((high - low) / (to - from)) / Math.log(16)) };
  }

  /** @param {{brightness: number, contrast: number}} sliders */
  slide({ brightness, contrast }) {
    const [from, to] = this.base;
    const middle = (from + to) / 2;
    const room = brightness > 0 ? middle - this.range.low : this.range.high - middle;
    this.setWindow(middle - (brightness / 100) * room, (to - from) * 16 ** (-contrast / 100));
  }

  // ------------------------------------------------------------ what is drawn

  apply() {
    const drawn = this.about.drawn ?? PLAIN;
    const wanted = this.window;
    this.show(`${this.filter(drawn, wanted)}${viewing.invert ? " invert(1)" : ""}`.trim() || "none");
    clearTimeout(this.waiting);
    if (this.scan && drawn.some((value, end) => value !== wanted[end])) {
      this.waiting = setTimeout(() => this.redraw(), REDRAW_MS);
    }
  }

  /**
   * The CSS filter that shows a picture of the window `drawn` as it would be of `wanted`: grey × slope + offset, which
   * the filters brightness and contrast do one after the other. Empty where no such filter does it.
   * @param {ValueWindow} drawn
   * @param {ValueWindow} wanted
   */
  filter(drawn, wanted) {
    const slope = (drawn[1] - drawn[0]) / (wanted[1] - wanted[0]);
    let offset = (drawn[0] - wanted[0]) / (wanted[1] - wanted[0]);
    if (this.about.inverted) offset = 1 - slope - offset;
    const contrast = 1 - 2 * offset;
    if (contrast <= 0 || (slope === 1 && offset === 0)) return "";
    return `brightness(${slope / contrast}) contrast(${contrast})`;
  }

  destroy() {
    clearTimeout(this.waiting);
  }
}

// The sliders and named windows, on a small panel over the image.
export class LightPanel {
  /**
   * @param {Element} parent
   * @param {Light} light
   */
  constructor(parent, light) {
    this.light = light;
    this.element = make("div", "light panel", parent);
    this.element.setAttribute("role", "group");
    this.element.setAttribute("aria-label", t("Brightness and contrast"));
    this.brightness = this.slider(t("Brightness"), "[ ]");
    this.contrast = this.slider(t("Contrast"), "{ }");
    this.values = make("p", "values", this.element);
    const buttons = make("div", "windows", this.element);
    this.windows = Object.keys(light.scan ? light.about.windows : {}).filter((name) => name in WINDOW_NAMES).map((name) => {
      const button = make("button", "tool text-tool", buttons, WINDOW_NAMES[name]());
      button.type = "button";
      button.addEventListener("click", () => light.choose(name));
      return { name, button };
    });
    this.update();
  }

  /**
   * @param {string} name
   * @param {string} keys that do the same
   */
  slider(name, keys) {
    const label = make("label", "slider", this.element);
    make("span", "", label, name).title = keys;
    const input = make("input", "", label);
    Object.assign(input, { type: "range", min: "-100", max: "100", step: "1" });
    input.addEventListener("input", () => {
      this.light.slide({ brightness: Number(this.brightness.value), contrast: Number(this.contrast.value) });
    });
    return input;
  }

  update() {
    const { brightness, contrast } = this.light.sliders;
    this.brightness.value = String(brightness);
    this.contrast.value = String(contrast);
    const [low, high] = this.light.window;
    /** @param {number} value */
    const rounded = (value) => (Math.abs(value) >= 10 || Number.isInteger(value) ? Math.round(value) : value.toPrecision(2));
    const level = rounded((low + high) / 2);
    const width = rounded(high - low);
    const unit = this.light.about.unit ?? "";
    this.values.textContent = this.light.scan ? t("Level {level}, width {width} {unit}", { level, width, unit }).trim() : "";
    for (const { name, button } of this.windows) {
      const [from, to] = this.light.about.windows[name];
      button.setAttribute("aria-pressed", String(from === low && to === high));
    }
  }
}
