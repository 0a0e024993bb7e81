// The guidelines with the classes' descriptions and example images, and the desk's keys: one key away, and shown
// once to whoever has not seen them as they are now.
import { make } from "../base/dom.js";
import { t } from "../base/words.js";
import { SidePanel } from "./side.js";
/** @import { Desk } from "../desk.js" */

export class Guide extends SidePanel {
  /** @param {Desk} desk */
  constructor(desk) {
    super("guide", t("Guidelines"), "G");
    this.desk = desk;
  }

  get isNew() {
    const { digest, seen } = this.desk.data.guidelines;
    return Boolean(digest) && digest !== seen;
  }

  toggle() {
    if (this.isOpen) this.close();
    else this.open();
  }

  /** @param {boolean} [focus] whether the keys that scroll are for the guidelines */
  async open(focus = true) {
    this.desk.data.guidelines.seen = this.desk.data.guidelines.digest;
    this.reveal(focus);
    const body = make("div", "guide-body", this.content);
    try {
      const guidelines = await (await this.desk.fetch("guidelines")).json();
      if (!body.isConnected) return;
      const text = make("div", "guide-text", body);
      text.innerHTML = guidelines.html;  // rendered by the server from Markdown, in which HTML stays text
      /** @type {NodeListOf<HTMLImageElement>} */
      const images = text.querySelectorAll("img[data-src]");
      for (const image of images) this.fill(image, image.dataset.src);
      this.classes(body, guidelines.examples, guidelines.texts ?? {});
    } catch (error) {
      make("p", "", body, error.message);
    }
    this.keys(body);
  }

  /**
   * @param {Element} body
   * @param {Record<string, string[]>} examples paths of images, by class
   * @param {Record<string, string[]>} texts that are examples, by class
   */
  classes(body, examples, texts) {
    const described = this.desk.data.classes.filter(
      ({ name, description }) => description || examples[name] || texts[name]);
    if (!described.length) return;
    make("h3", "", body, t("Classes"));
    for (const { name, colour, description } of described) {
      const part = make("section", "guide-class", body);
      const title = make("h4", "", part, name);
      if (colour) title.style.setProperty("--colour", colour);
      if (description) make("p", "", part, description);
      for (const example of texts[name] ?? []) make("blockquote", "example-text", part, example).dir = "auto";
      const strip = make("div", "examples", part);
      for (const path of examples[name] ?? []) {
        const image = make("img", "", strip);
        image.alt = t("An example of {name}", { name });
        this.fill(image, path.split("/").map(encodeURIComponent).join("/"));
      }
    }
  }

  /** @param {Element} body */
  keys(body) {
    make("h3", "", body, t("Keys"));
    const list = make("dl", "keys", body);
    const rows = [
      ["1 2 3 …", t("the classes")], ["U", t("undo, several times if need be")], ["S", t("skip: somebody else may answer")],
      ["N", t("not sure: the answer counts, and is looked at again")], ["F", t("flag with a note: for the project lead")],
      ["W", t("why this item?")], ["G", t("guidelines")], [";", t("full screen")], ["Esc", t("close what was opened last")], ["/", t("search the classes")],
    ];
    if (this.desk.several) rows.push(["Enter", t("confirm the chosen classes")]);
    for (const [key, text] of rows) {
      make("kbd", "", make("dt", "", list), key);
      make("dd", "", list, text);
    }
  }

  /**
   * @param {HTMLImageElement} image
   * @param {string} path below the guidelines' folder
   */
  async fill(image, path) {
    try {
      const reply = await this.desk.fetch(`guidelines/${path}`);
      image.src = URL.createObjectURL(await reply.blob());
      image.addEventListener("load", () => URL.revokeObjectURL(image.src), { once: true });
    } catch (error) {
      image.replaceWith(make("span", "missing", null, error.message));
    }
  }
}
