// How images are looked at: kept from one item to the next, for as long as this tab is open. Zoom and rotation are
// not: each item begins whole and upright.
const viewing = {
  name: "labeler/viewing",
  chosen: null,      // window of a scan: {name}, or {low, high, unit}; null: as it is drawn by itself
  light: null,       // of other images: {low, high} on their scale from 0 to 255
  invert: false,
  grid: false,
  details: false,
  lighting: false,   // whether the panel of brightness and contrast is open

  read() {
    try {
      Object.assign(this, JSON.parse(sessionStorage.getItem(this.name) ?? "{}"));
    } catch { /* begins as if nothing had been chosen */ }
  },

  set(values) {
    Object.assign(this, values);
    const { chosen, light, invert, grid, details, lighting } = this;
    try {
      sessionStorage.setItem(this.name, JSON.stringify({ chosen, light, invert, grid, details, lighting }));
    } catch { /* a full storage costs the memory of a setting */ }
  },

  // The choice as the server is asked for it.
  window() {
    if (!this.chosen) return "";
    const { name, low, high, unit } = this.chosen;
    return `?${new URLSearchParams(name ? { window: name } : { low, high, unit: unit ?? "" })}`;
  },
};
viewing.read();
