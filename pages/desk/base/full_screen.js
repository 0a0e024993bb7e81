// The desk, or the viewer on another page, as large as the screen. Where a browser has no full screen for pages (phones
// of Apple), it fills the window.
import { opened } from "./opened.js";

export class FullScreen {
  /** @param {HTMLElement} element */
  constructor(element) {
    this.element = element;
    this.isOn = false;
    this.onChange = () => this.isOn && this.isNative && !document.fullscreenElement && this.leave();
    document.addEventListener("fullscreenchange", this.onChange);  // the browser's own key or gesture ends it, too
  }

  toggle() {
    if (this.isOn) this.leave();
    else this.enter();
  }

  async enter() {
    this.isOn = true;
    this.isNative = false;
    this.element.classList.add("full-screen");
    opened.add("full screen", () => this.leave());
    try {
      await this.element.requestFullscreen();
      this.isNative = true;
      // Escape closes what was opened last, which may be something else; held down, it always leaves the full screen.
      await /** @type {any} */ (navigator).keyboard?.lock?.(["Escape"]);
    } catch { /* it fills the window */ }
  }

  leave() {
    this.isOn = false;
    this.element.classList.remove("full-screen");
    opened.drop("full screen");
    /** @type {any} */ (navigator).keyboard?.unlock?.();
    if (document.fullscreenElement) document.exitFullscreen().catch(() => {});
  }

  stop() {
    document.removeEventListener("fullscreenchange", this.onChange);
    if (this.isOn) this.leave();
  }
}
