// The slim bars of buttons below an image or a text: quiet, named for everybody, large enough for a finger.
import { make } from "../base/dom.js";
import { t } from "../base/words.js";
/** @import { ImageViewer } from "./viewer.js" */

/** @type {Record<string, string>} */
const ICONS = {
  closer: "M4 10h12M10 4v12",
  farther: "M4 10h12",
  actual: "M4 5v10M16 5v10M10 8v.5M10 11.5v.5",
  turn: "M15 6.5A6 6 0 1 0 16 10M15.5 2.5v4h-4",
  light: "M10 3a7 7 0 1 0 0 14zM10 3a7 7 0 0 1 0 14",
  invert: "M3 3h14v14H3zM3 17 17 3",
  grid: "M3 3h14v14H3zM7.7 3v14M12.3 3v14M3 7.7h14M3 12.3h14",
  fullScreen: "M3 8V3h5M12 3h5v5M17 12v5h-5M8 17H3v-5",
  details: "M10 3a7 7 0 1 0 0 14 7 7 0 0 0 0-14M10 9v5M10 6v.5",
  reset: "M5 6.5A6 6 0 1 1 4 10M4.5 2.5v4h4",
  find: "M9 4a5 5 0 1 0 0 10A5 5 0 0 0 9 4M12.7 12.7 17 17",
  next: "M5 8l5 5 5-5",
  previous: "M5 12l5-5 5 5",
};

/**
 * A button that takes no focus from a mouse or a finger, so that the next Enter or space is not for it.
 * @param {Element} parent
 * @param {{icon: string, label: string, key?: string, run: () => void}} options
 */
export function makeTool(parent, { icon, label, key, run }) {
  const button = make("button", "tool", parent);
  button.type = "button";
  button.title = key ? `${label} (${key})` : label;
  button.setAttribute("aria-label", label);
  if (key) button.setAttribute("aria-keyshortcuts", key);
  if (ICONS[icon]) {
    const drawing = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    drawing.setAttribute("viewBox", "0 0 20 20");
    drawing.setAttribute("aria-hidden", "true");
    const line = document.createElementNS("http://www.w3.org/2000/svg", "path");
    line.setAttribute("d", ICONS[icon]);
    drawing.append(line);
    button.append(drawing);
  } else {
    button.textContent = icon;
  }
  button.addEventListener("pointerdown", (event) => event.preventDefault());
  button.addEventListener("mousedown", (event) => event.preventDefault());
  button.addEventListener("click", () => run());
  return button;
}

export class ViewerTools {
  /**
   * @param {Element} parent
   * @param {ImageViewer} viewer
   */
  constructor(parent, viewer) {
    this.element = make("div", "tools", parent);
    this.element.setAttribute("role", "group");
    this.element.setAttribute("aria-label", t("Image tools"));
    /** @type {(icon: string, label: string, key: string, run: () => void) => HTMLButtonElement} */
    const tool = (icon, label, key, run) => makeTool(this.element, { icon, label, key, run });
    tool("farther", t("Zoom out"), "-", () => viewer.zoomOut());
    this.readout = make("span", "readout", this.element);
    tool("closer", t("Zoom in"), "+", () => viewer.zoomIn());
    tool("actual", t("Actual pixels, or as large as fits"), ".", () => viewer.toggleActual());
    tool("turn", t("Turn clockwise"), ",", () => viewer.turn());
    /** @type {Record<string, HTMLButtonElement>} */
    this.toggles = {
      light: tool("light", t("Brightness and contrast"), "[ ] { }", () => viewer.toggleLight()),
      invert: tool("invert", t("Invert"), "\\", () => viewer.light.invert()),
      grid: tool("grid", t("Grid"), "#", () => viewer.toggleGrid()),
      details: tool("details", t("Details"), "'", () => viewer.toggleDetails()),
    };
    for (const name of Object.keys(this.toggles)) this.press(name, false);
    tool("fullScreen", t("Full screen"), ";", () => viewer.fullScreen());
    tool("reset", t("Reset the view"), "Home", () => viewer.reset());
  }

  /**
   * @param {string} name of a toggle
   * @param {boolean} on
   */
  press(name, on) {
    this.toggles[name].setAttribute("aria-pressed", String(on));
  }

  /** @param {number} screen screen pixels for an image pixel */
  update(screen) {
    this.readout.textContent = screen < 10 ? `${Math.round(100 * screen)}%` : `${Math.round(screen)} ×`;
  }
}
