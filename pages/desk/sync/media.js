// Pictures of items, fetched and decoded before they are needed. A few at a time and in order, so that what a person
// waits for, an answer being sent above all, finds the way to the server free.
import { viewing } from "../base/viewing.js";
import { t } from "../base/words.js";
/** @import { Fetching, Item, Picture } from "../base/types.js" */

class Gate {
  /** @param {number} most that pass at the same time */
  constructor(most) {
    this.free = most;
    /** @type {((value?: unknown) => void)[]} */
    this.waiting = [];
  }

  /**
   * The result of `run`, which is called when it is its turn.
   * @template Result
   * @param {() => Promise<Result>} run
   * @param {boolean} [urgent] before all that waits
   */
  async pass(run, urgent = false) {
    if (this.free > 0) this.free -= 1;
    else await new Promise((resolve) => (urgent ? this.waiting.unshift(resolve) : this.waiting.push(resolve)));
    try {
      return await run();
    } finally {
      const next = this.waiting.shift();
      if (next) next();
      else this.free += 1;
    }
  }
}

export const mediaGate = new Gate(2);

/**
 * The image at a path of the server, decoded.
 * @param {string} path
 * @param {Fetching} server
 * @returns {Promise<Picture>}
 */
export async function fetchImage(path, server) {
  const response = await server.fetch(path);
  const image = new Image();
  const url = URL.createObjectURL(await response.blob());
  try {
    image.src = url;
    image.draggable = false;
    await image.decode();
  } finally {
    URL.revokeObjectURL(url);  // a decoded image keeps its pixels
  }
  return { image, about: JSON.parse(response.headers.get("X-Image") ?? "null") };
}

/**
 * The item's picture, fetched and decoded once; later calls get the same promise. A scan is drawn through the window
 * that was chosen last, and anew when another one has been chosen since.
 * @param {Item} item
 * @param {Fetching} server
 */
export function loadPicture(item, server) {
  const window = viewing.query();
  const isScan = item.picture?.about.drawn;
  if (item.loading && (item.window === window || (item.picture && !isScan))) return item.loading;
  item.window = window;
  const loading = mediaGate.pass(async () => {
    const picture = await fetchImage(`${item.media}${window}`, server);
    picture.image.className = "image";
    picture.image.alt = t("The item to label");
    if (item.window === window) item.picture = picture;
    return picture;
  });
  item.loading = loading;
  loading.catch(() => { if (item.loading === loading) item.loading = undefined; });
  return loading;
}

/**
 * A slice of an item's stack through the window that was chosen last, fetched and decoded once.
 * @param {Item} item
 * @param {Fetching} server
 * @param {number} frame counted from 1
 * @param {boolean} [urgent] whether a person waits for it
 * @returns {Promise<Picture>}
 */
export function loadFrame(item, server, frame, urgent = false) {
  const query = viewing.query();
  item.frames ??= new Map();
  if (item.framesWindow !== query) item.frames.clear();
  item.framesWindow = query;
  const known = item.frames.get(frame);
  if (known) return known;
  const loading = mediaGate.pass(async () => {
    const picture = await fetchImage(`${item.media}${frameQuery(query, frame)}`, server);
    picture.image.className = "image";
    picture.image.alt = t("The item to label");
    return picture;
  }, urgent);
  item.frames.set(frame, loading);
  loading.catch(() => { if (item.frames?.get(frame) === loading) item.frames.delete(frame); });
  return loading;
}

/**
 * @param {string} query of the window; "" for none
 * @param {number} frame
 */
export function frameQuery(query, frame) {
  return `${query}${query ? "&" : "?"}frame=${frame}`;
}

/** @param {Item | null} [item] */
export function forgetPicture(item) {
  if (item) item.loading = item.picture = item.frames = undefined;
}
