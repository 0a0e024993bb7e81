// The tiles of a large image: those that are visible, at the level whose pixels the screen can show.
import { fetchImage, mediaGate } from "../sync/media.js";
/** @import { Fetching, ImageAbout } from "../base/types.js" */

const TILE = 512;       // pixels a side, as the server cuts them
const SETTLE_MS = 60;   // without a move before tiles are asked for
const MOST_TILES = 120;  // that are kept

/** @typedef {{left: number, top: number, right: number, bottom: number}} Area in image pixels */

export class Tiles {
  /**
   * @param {HTMLElement} plane that holds the tiles, one CSS pixel for an image pixel
   * @param {ImageAbout} about
   * @param {Fetching} server
   * @param {(tile: string) => string} path where the server has a tile
   */
  constructor(plane, about, server, path) {
    this.plane = plane;
    this.about = about;
    this.server = server;
    this.path = path;
    /** @type {Map<string, HTMLImageElement | null>} */
    this.images = new Map();  // by "level/x/y"; null while it is on its way
    /** @type {Set<string>} */
    this.wanted = new Set();
  }

  /**
   * Show what is needed for an area of the image.
   * @param {Area} area
   * @param {number} scale screen pixels for an image pixel
   */
  show(area, scale) {
    clearTimeout(this.settling);
    this.settling = setTimeout(() => this.ask(area, scale), SETTLE_MS);
  }

  /**
   * @param {Area} area
   * @param {number} scale
   */
  ask({ left, top, right, bottom }, scale) {
    const { width, height, levels } = this.about;
    const level = Math.min(Math.max(Math.floor(-Math.log2(scale)), 0), levels - 1);
    const side = TILE * 2 ** level;
    /** @type {(pixel: number, size: number) => number} */
    const tileAt = (pixel, size) => Math.min(Math.max(Math.floor(pixel / side), 0), Math.ceil(size / side) - 1);
    this.wanted.clear();
    for (let y = tileAt(top, height); y <= tileAt(bottom, height); y++) {
      for (let x = tileAt(left, width); x <= tileAt(right, width); x++) this.wanted.add(`${level}/${x}/${y}`);
    }
    for (const tile of this.wanted) if (!this.images.has(tile)) this.fetch(tile);
    this.tidy();
  }

  /** @param {string} tile "level/x/y" */
  async fetch(tile) {
    const images = this.images;
    images.set(tile, null);
    try {
      await mediaGate.pass(async () => {
        const isCleared = () => images !== this.images;
        if (isCleared() || !this.wanted.has(tile)) {
          images.delete(tile);  // out of sight meanwhile
          return;
        }
        const { image } = await fetchImage(this.path(tile), this.server);
        if (!isCleared()) this.place(tile, image);
      }, true);
    } catch {
      images.delete(tile);  // the picture below it stays; it is asked for again with the next move
    }
  }

  /**
   * @param {string} tile
   * @param {HTMLImageElement} image
   */
  place(tile, image) {
    const [level, x, y] = tile.split("/").map(Number);
    image.className = "tile";
    image.alt = "";
    image.style.left = `${x * TILE * 2 ** level}px`;
    image.style.top = `${y * TILE * 2 ** level}px`;
    image.style.width = `${image.naturalWidth * 2 ** level}px`;
    image.style.height = `${image.naturalHeight * 2 ** level}px`;
    image.style.zIndex = String(this.about.levels - level);
    image.dataset.tile = tile;
    this.images.set(tile, image);
    this.plane.append(image);
    this.tidy();
  }

  tidy() {
    for (const [tile, image] of this.images) {
      if (this.images.size <= MOST_TILES) return;
      if (!image || this.wanted.has(tile)) continue;
      image.remove();
      this.images.delete(tile);
    }
  }

  clear() {
    clearTimeout(this.settling);
    for (const image of this.images.values()) image?.remove();
    this.images = new Map();
    this.wanted.clear();
  }
}
