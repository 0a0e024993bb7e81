// The tiles of a large image: those that are visible, at the level whose pixels the screen can show.
const TILE = 512;       // pixels a side, as the server cuts them
const SETTLE_MS = 60;   // without a move before tiles are asked for
const MOST_TILES = 120;  // that are kept

class Tiles {
  // `path(tile)` is where the server has a tile, `plane` the element that holds them, one CSS pixel for an image pixel.
  constructor(plane, about, desk, path) {
    Object.assign(this, { plane, about, desk, path });
    this.there = new Map();   // "level/x/y" → its element; null while it is on its way
    this.wanted = new Set();
  }

  // Show what is needed for `area`, in image pixels, of which the screen shows `scale` pixels each.
  show(area, scale) {
    clearTimeout(this.settling);
    this.settling = setTimeout(() => this.ask(area, scale), SETTLE_MS);
  }

  ask({ left, top, right, bottom }, scale) {
    const { width, height, levels } = this.about;
    const level = Math.min(Math.max(Math.floor(-Math.log2(scale)), 0), levels - 1);
    const side = TILE * 2 ** level;
    const within = (value, size) => Math.min(Math.max(Math.floor(value / side), 0), Math.ceil(size / side) - 1);
    this.wanted.clear();
    for (let y = within(top, height); y <= within(bottom, height); y++) {
      for (let x = within(left, width); x <= within(right, width); x++) this.wanted.add(`${level}/${x}/${y}`);
    }
    for (const tile of this.wanted) if (!this.there.has(tile)) this.fetch(tile);
    this.tidy();
  }

  async fetch(tile) {
    const there = this.there;
    there.set(tile, null);
    try {
      await mediaGate.pass(async () => {
        if (there !== this.there || !this.wanted.has(tile)) return there.delete(tile);  // out of sight meanwhile
        const { image } = await fetchImage(this.path(tile), this.desk);
        if (there !== this.there) return false;
        this.place(tile, image);
        return true;
      }, true);
    } catch {
      there.delete(tile);  // the picture below it stays; it is asked for again with the next move
    }
  }

  place(tile, image) {
    const [level, x, y] = tile.split("/").map(Number);
    image.className = "tile";
    image.alt = "";
    image.style.left = `${x * TILE * 2 ** level}px`;
    image.style.top = `${y * TILE * 2 ** level}px`;
    image.style.width = `${image.naturalWidth * 2 ** level}px`;
    image.style.height = `${image.naturalHeight * 2 ** level}px`;
    image.style.zIndex = this.about.levels - level;
    image.dataset.tile = tile;
    this.there.set(tile, image);
    this.plane.append(image);
    this.tidy();
  }

  tidy() {
    for (const [tile, image] of this.there) {
      if (this.there.size <= MOST_TILES) return;
      if (!image || this.wanted.has(tile)) continue;
      image.remove();
      this.there.delete(tile);
    }
  }

  clear() {
    clearTimeout(this.settling);
    for (const image of this.there.values()) image?.remove();
    this.there = new Map();
    this.wanted.clear();
  }
}
