// "Why this item?": a panel beside the stage. It tells what the item was asked for and its nearest labeled neighbours,
// and, where the project lets people know, what the model saw in it. It is no dialog: class keys answer while it is open.
import { make, makeButton } from "../base/dom.js";
import { t } from "../base/words.js";
/** @import { Item } from "../base/types.js" */
/** @import { Desk } from "../desk.js" */

/**
 * What the model saw in the item, or how far that is computed: `labeler.explain.panel`.
 * @typedef {object} Explanation
 * @property {"hidden" | "queued" | "running" | "failed" | "done"} state
 * @property {string} [hidden] why it is not shown
 * @property {string} [error]
 * @property {ExplanationResult} [result]
 */

/**
 * @typedef {object} ExplanationResult
 * @property {ExplainedClass[]} classes the most probable first
 * @property {[number, number][]} [spans] words of a text: where each begins and ends, in characters
 * @property {number[]} fit of the local explanation, for each class: R²
 */

/**
 * @typedef {object} ExplainedClass
 * @property {string} name
 * @property {number} probability
 * @property {number[]} [weights] of the spans, -1 to 1
 * @property {string} [map] address of an image of where it speaks for the class
 */

/**
 * A labeled item near this one.
 * @typedef {object} Neighbour
 * @property {number} id
 * @property {string} label
 * @property {number} similarity
 * @property {string | null} text
 * @property {string | null} media
 */

/**
 * The strategy that chose the item, and its place in that ranking.
 * @typedef {object} Origin
 * @property {string} name
 * @property {string} family
 * @property {string} summary
 * @property {number} round 0: before the first ranking
 * @property {number} rank
 * @property {number | null} score
 * @property {string | null} model
 */

const WHY_POLL_MS = 300;
const WHY_RETRY_MS = 2_000;
const WHY_OWN_KEYS = ["arrowup", "arrowdown", "arrowleft", "arrowright", "pageup", "pagedown", "home", "end", " ", "enter"];

export class WhyPanel {
  /** @param {Desk} desk */
  constructor(desk) {
    this.desk = desk;
    this.isOpen = false;
    this.turn = 0;  // replies to earlier questions are not drawn
    /** @type {string[]} */
    this.urls = [];  // of images, to be revoked
    /** @type {Promise<string> | null} */
    this.picture = null;  // address of the item's image
    this.strength = 70;  // percent that the colours cover
    this.element = make("aside", "why-panel");
    this.element.hidden = true;
    this.element.tabIndex = -1;
    this.element.setAttribute("aria-label", t("Why this item?"));
    const body = make("div", "why-body", this.element);
    const head = make("div", "why-head", body);
    make("h2", "", head, t("Why this item?"));
    makeButton("why-close", head, { key: "W", text: t("Close"), run: () => this.close() });
    this.content = make("div", "why-content", body);
  }

  // ------------------------------------------------------------ what the desk calls

  /** @param {Item | null} item */
  toggle(item) {
    if (this.isOpen) this.close();
    else if (item) this.open(item);
  }

  /**
   * Another item is shown, or the same one was answered.
   * @param {Item | null} item
   */
  update(item) {
    if (!this.isOpen) return;
    if (item) this.load(item);
    else this.clear();
  }

  // For Escape: whether there was something to close.
  closeIfOpen() {
    if (!this.isOpen) return false;
    this.close();
    return true;
  }

  /**
   * Whether the key belongs to what has the focus in the panel: it scrolls it, moves its slider, presses its buttons.
   * @param {KeyboardEvent} event
   */
  holds(event) {
    return this.isOpen && event.composedPath().includes(this.element) && WHY_OWN_KEYS.includes(event.key.toLowerCase());
  }

  destroy() {
    this.isOpen = false;
    this.clear();
    this.element.remove();
  }

  // ------------------------------------------------------------ open, close

  get focused() {
    const root = this.element.getRootNode();
    return root instanceof ShadowRoot || root instanceof Document ? root.activeElement : null;
  }

  /** @param {Item} item */
  open(item) {
    this.isOpen = true;
    this.before = this.focused;
    this.element.hidden = false;
    this.load(item);
    this.element.focus({ preventScroll: true });
  }

  close() {
    const inside = this.element.contains(this.focused);
    this.isOpen = false;
    this.element.hidden = true;
    this.clear();
    if (inside && this.before instanceof HTMLElement && this.before.isConnected) this.before.focus({ preventScroll: true });
  }

  clear() {
    this.turn++;
    this.content.replaceChildren();
    for (const url of this.urls) URL.revokeObjectURL(url);
    this.urls = [];
  }

  // ------------------------------------------------------------ asking

  /** @param {Item} item */
  load(item) {
    this.clear();
    this.item = item;
    this.picture = null;
    /** @type {(name: string, title: string) => HTMLElement} */
    const section = (name, title) => {
      const place = make("section", name, this.content);
      make("h3", "", place, title);
      return make("div", "", place);
    };
    const strategy = section("why-strategy", t("How it was chosen"));
    const neighbours = section("why-neighbours", t("Most similar labeled items"));
    const saw = section("why-saw", t("What the model saw"));
    make("p", "why-wait", strategy, t("Loading …"));
    this.ask("", (reply) => {
      if (reply.neighbours) {
        this.drawStrategy(strategy, reply.strategy);
        this.drawNeighbours(neighbours, reply.neighbours);
      }
      this.drawExplanation(saw, reply.saw, "saw");
      return reply.saw;
    });
  }

  /**
   * Ask, draw, and ask again while the reply is being computed and the panel shows the same item.
   * @param {"" | "local"} part "": all but the local explanation
   * @param {(reply: any) => Explanation} draw
   */
  async ask(part, draw) {
    const turn = this.turn;
    for (let asked = /** @type {string} */ (part); ;) {
      let wait = WHY_RETRY_MS;
      try {
        const reply = await (await this.desk.fetch(`why/${this.item.id}${asked ? `?part=${asked}` : ""}`)).json();
        if (turn !== this.turn) return;
        const explanation = draw(reply);
        if (!["queued", "running"].includes(explanation.state)) return;
        asked = part || "saw";
        wait = WHY_POLL_MS;
      } catch (error) {
        if (turn !== this.turn) return;
        if (error.fromServer) {  // else the server cannot be reached just now
          this.say(error.message);
          return;
        }
      }
      await new Promise((resolve) => setTimeout(resolve, wait));
      if (turn !== this.turn) return;
    }
  }

  /** @param {string} text */
  say(text) {
    make("p", "why-error", this.content, text).setAttribute("role", "alert");
  }

  /**
   * The address of an image, for as long as the panel shows the same item.
   * @param {string} path of the server
   */
  async image(path) {
    const turn = this.turn;
    const url = URL.createObjectURL(await (await this.desk.fetch(path)).blob());
    if (turn === this.turn) this.urls.push(url);
    else URL.revokeObjectURL(url);
    return url;
  }

  // ------------------------------------------------------------ drawing

  /**
   * @param {Element} place
   * @param {Origin | null} origin
   */
  drawStrategy(place, origin) {
    place.replaceChildren();
    if (!origin) {
      make("p", "", place, t("It is not in a ranking: no ranked item was left when it was chosen."));
      return;
    }
    const title = make("p", "", place);
    make("strong", "", title, origin.name);
    title.append(origin.family ? ` (${origin.family})` : "");
    if (origin.summary) make("p", "", place, origin.summary);
    const facts = make("dl", "why-facts", place);
    /** @type {(name: string, value: any) => void} */
    const fact = (name, value) => {
      if (value === null || value === undefined) return;
      const pair = make("div", "", facts);
      make("dt", "", pair, name);
      make("dd", "", pair, String(value));
    };
    fact(t("Round"), origin.round || t("before the first round"));
    fact(t("Rank"), origin.rank);
    fact(t("Score"), origin.score === null ? null : Number(origin.score.toPrecision(3)));
    fact(t("Model"), origin.model?.replace(/^.*\//, "").replace(/\.safetensors$/, ""));
  }

  /**
   * @param {Element} place
   * @param {{items: Neighbour[], hidden?: string | null}} neighbours
   */
  drawNeighbours(place, { items, hidden }) {
    place.replaceChildren();
    if (hidden) {
      make("p", "why-hidden", place, whyHidden(hidden));
      return;
    }
    if (!items.length) {
      make("p", "why-hidden", place, t("There are no items yet that you have labeled or that were imported with a label."));
      return;
    }
    const list = make("ul", "why-list", place);
    for (const neighbour of items) {
      const row = make("li", "", list);
      if (neighbour.media) {
        const picture = make("img", "why-thumbnail", row);
        picture.alt = "";
        this.image(`media/${neighbour.id}`).then((url) => { picture.src = url; }, () => picture.remove());
      }
      const about = make("div", "", row);
      make("strong", "why-label", about, this.desk.labelText(neighbour.label));
      make("span", "why-similarity", about, t("similarity {n}", { n: neighbour.similarity.toFixed(2) }));
      if (neighbour.text) make("p", "why-beginning", about, neighbour.text).dir = "auto";
    }
  }

  /**
   * @param {HTMLElement} place
   * @param {Explanation} explanation
   * @param {"saw" | "local"} kind
   */
  drawExplanation(place, { state, hidden, error, result }, kind) {
    if (state === place.dataset.state) return;  // as it was
    place.dataset.state = state;
    place.replaceChildren();
    if (state === "hidden") {
      make("p", "why-hidden", place, whyHidden(hidden));
    } else if (state === "failed") {
      make("p", "why-error", place, error);
    } else if (state === "done") {
      this.drawClasses(place, result);
      if (kind === "saw") make("p", "why-caution", place, t("What is marked moved the score: it is evidence, not a cause."));
      else this.drawFit(place, result);
    } else {
      make("p", "why-wait", place, t("Computing the explanation …")).setAttribute("role", "status");
    }
    if (kind === "saw" && ["done", "failed"].includes(state)) this.offerLocal(place);
  }

  /**
   * @param {Element} place
   * @param {ExplanationResult} result
   */
  drawClasses(place, result) {
    const row = make("div", result.spans ? "why-texts" : "why-pictures", place);
    for (const explained of result.classes) {
      const figure = make("figure", "", row);
      if (result.spans) this.drawText(figure, result.spans, explained.weights);
      else this.drawMap(figure, explained);
      const caption = make("figcaption", "", figure);
      make("strong", "", caption, explained.name);
      caption.append(` ${(100 * explained.probability).toFixed(0)} %`);
    }
    const legend = make("p", "why-legend", place);
    make("span", "why-for", legend, t("speaks for the class"));
    make("span", "why-against", legend, t("speaks against it"));
    if (!result.spans) this.drawSlider(place);
  }

  /**
   * @param {Element} figure
   * @param {[number, number][]} spans
   * @param {number[]} weights
   */
  drawText(figure, spans, weights) {
    const letters = Array.from(this.item.text);  // the server counts characters, JavaScript halves of them
    const text = make("p", "why-text", figure);
    text.dir = "auto";
    let end = 0;
    spans.forEach(([start, stop], index) => {
      text.append(letters.slice(end, start).join(""));
      const weight = weights[index];
      const word = make("span", weight < 0 ? "why-against" : "why-for", text, letters.slice(start, stop).join(""));
      word.style.setProperty("--weight", Math.abs(weight).toFixed(3));
      end = stop;
    });
    text.append(letters.slice(end).join(""));
  }

  /**
   * @param {Element} figure
   * @param {ExplainedClass} explained
   */
  drawMap(figure, { name, map: address }) {
    const frame = make("div", "why-frame", figure);
    const picture = make("img", "why-picture", frame);
    picture.alt = "";
    this.picture ??= this.image(`media/${this.item.id}`);
    this.picture.then((url) => { picture.src = url; }, () => picture.remove());
    const map = make("img", "why-map", frame);
    map.alt = t("Where the image speaks for and against {name}", { name });
    map.src = address;
    this.content.style.setProperty("--strength", String(this.strength / 100));
  }

  /** @param {Element} place */
  drawSlider(place) {
    const label = make("label", "why-slider", place, t("Strength of the colours"));
    const slider = make("input", "", label);
    Object.assign(slider, { type: "range", min: "0", max: "100", value: String(this.strength) });
    slider.addEventListener("input", () => {
      this.strength = Number(slider.value);
      this.content.style.setProperty("--strength", String(this.strength / 100));
    });
  }

  /** @param {Element} place */
  offerLocal(place) {
    const local = make("div", "why-local", place);
    const button = makeButton("why-ask", local, { text: t("Explain by hiding parts"), run: () => {
      button.remove();
      make("h3", "", local, t("By hiding parts"));
      const body = make("div", "", local);
      this.ask("local", (reply) => {
        this.drawExplanation(body, reply.local, "local");
        return reply.local;
      });
    } });
    button.title = t("Parts of the item are hidden at random, to see what each does to the answer (LIME).");
  }

  /**
   * @param {Element} place
   * @param {ExplanationResult} result
   */
  drawFit(place, result) {
    const fit = Math.max(0, result.fit[0]);
    make("p", "why-caution", place, t("Parts were hidden at random; adding up what each does tells {n} % of how the first class's probability changed. It holds near this item only, and is evidence, not a cause.", { n: Math.round(100 * fit) }));
  }
}

/** @param {string} reason */
function whyHidden(reason) {
  switch (reason) {
    case "holdout": return t("This item is in the holdout, which measures the model, so the model's prediction is not shown.");
    case "never": return t("This project does not show the model's predictions, so that they cannot influence your answers.");
    case "after": return t("This is shown once you have answered the item.");
    default: return t("There is no model yet: the first one is trained once there are labels of two classes.");
  }
}
