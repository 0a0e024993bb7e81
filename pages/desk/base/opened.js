// What is open at the desk, in the order of opening: Escape closes what was opened last.
export const opened = {
  /** @type {Map<string, () => void>} */
  closers: new Map(),  // by name, in the order of opening

  /**
   * Something is open; what was open already keeps its place.
   * @param {string} name
   * @param {() => void} close
   */
  add(name, close) {
    this.closers.set(name, close);
  },

  /** @param {string} name */
  drop(name) {
    this.closers.delete(name);
  },

  // For Escape: whether there was something to close.
  closeLatest() {
    const latest = [...this.closers].at(-1);
    if (!latest) return false;
    this.drop(latest[0]);
    latest[1]();
    return true;
  },

  clear() {
    this.closers.clear();
  },
};
