// The columns of the item that the project shows: beside the image or text, or below it where there is no room.
import { make } from "../base/dom.js";
import { t } from "../base/words.js";

export class Facts {
  /**
   * @param {Element} parent
   * @param {string[]} columns that the project shows; without any the place does not exist
   */
  constructor(parent, columns) {
    this.element = make("aside", "facts", parent);
    this.element.hidden = !columns.length;
    this.element.tabIndex = 0;  // long values are scrolled
    this.element.setAttribute("aria-label", t("About this item"));
  }

  /** @param {Record<string, string>} [metadata] */
  show(metadata) {
    this.element.replaceChildren(listFacts(metadata));
    this.element.scrollTop = 0;
  }
}

/**
 * A list of columns and their values.
 * @param {Record<string, string>} [metadata]
 */
export function listFacts(metadata = {}) {
  const list = make("dl", "facts-list");
  for (const [name, value] of Object.entries(metadata)) {
    const pair = make("div", "", list);
    make("dt", "", pair, name).dir = "auto";
    make("dd", "", pair, value).dir = "auto";
  }
  return list;
}
