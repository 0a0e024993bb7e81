// Small pictures of the latest items, drawn while nothing else is to be done: no key waits for them.
import { make } from "../base/dom.js";
import { fetchImage, mediaGate } from "../sync/media.js";
/** @import { Fetching, GivenAnswer } from "../base/types.js" */

const SIDE = 64;   // pixels
const KEPT = 60;

export class Thumbnails {
  /** @param {Fetching} server */
  constructor(server) {
    this.server = server;
    /** @type {Map<number, HTMLCanvasElement>} */
    this.canvases = new Map();  // by item id, the oldest first
  }

  /**
   * Put the picture of an earlier item in its place, now or soon.
   * @param {GivenAnswer} entry
   * @param {Element} parent
   */
  place(entry, parent) {
    const place = make("span", "thumbnail", parent);
    const canvas = this.canvases.get(entry.id);
    if (canvas) place.append(canvas);
    else if (entry.media) whenIdle(() => place.isConnected && this.draw(entry, place).catch(() => place.remove()));
    else place.remove();  // kept since before the page was loaded: the server has not told of it yet
  }

  /**
   * @param {GivenAnswer} entry
   * @param {Element} place
   */
  async draw({ id, item, media }, place) {
    const picture = item?.picture ?? await mediaGate.pass(() => fetchImage(media, this.server));
    const canvas = document.createElement("canvas");
    canvas.width = canvas.height = SIDE;
    const { naturalWidth: width, naturalHeight: height } = picture.image;
    const side = Math.min(width, height);  // the middle square
    const context = canvas.getContext("2d");
    context.drawImage(picture.image, (width - side) / 2, (height - side) / 2, side, side, 0, 0, SIDE, SIDE);
    this.canvases.set(id, canvas);
    if (this.canvases.size > KEPT) this.canvases.delete(this.canvases.keys().next().value);
    place.replaceChildren(canvas);
  }
}

/** @param {() => void} run */
function whenIdle(run) {
  if (globalThis.requestIdleCallback) requestIdleCallback(run);
  else setTimeout(run, 200);
}
