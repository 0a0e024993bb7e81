// How images are looked at: kept from one item to the next, for as long as this tab is open. Zoom and rotation are
// not: each item begins whole and upright.
export const viewing = {
  name: "labeler/viewing",
  /** @type {{name?: string, low?: number, high?: number, unit?: string | null} | null} */
  chosen: null,      // window of a scan, by name or by values; null: as it is drawn by itself
  /** @type {[number, number] | null} */
  light: null,       // of other images: low and high on their scale from 0 to 255
  invert: false,
  grid: false,
  details: false,
  lighting: false,   // whether the panel of brightness and contrast is open

  read() {
    try {
      Object.assign(this, JSON.parse(sessionStorage.getItem(this.name) ?? "{}"));
    } catch { /* begins as if nothing had been chosen */ }
  },

  /** @param {object} values by the names above */
  set(values) {
    Object.assign(this, values);
    const { chosen, light, invert, grid, details, lighting } = this;
    try {
      sessionStorage.setItem(this.name, JSON.stringify({ chosen, light, invert, grid, details, lighting }));
    } catch { /* a full storage costs the memory of a setting */ }
  },

  // The choice as the server is asked for it.
  query() {
    if (!this.chosen) return "";
    const { name, low, high, unit } = this.chosen;
    return `?${new URLSearchParams(name ? { window: name } : { low: String(low), high: String(high), unit: unit ?? "" })}`;
  },
};
viewing.read();
