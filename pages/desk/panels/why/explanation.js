// What the model saw in an item: the parts of a text or an image that speak for and against each class.
import { make, makeButton } from "../../base/dom.js";
import { t } from "../../base/words.js";
import { frameQuery } from "../../sync/media.js";
import { reasonInWords, startInWords } from "./reasons.js";
/** @import { Item } from "../../base/types.js" */
/** @import { WhyPanel } from "./panel.js" */
/** @import { Explanation, ExplanationResult } from "./types.js" */

export class ExplanationView {
  /**
   * @param {WhyPanel} panel that asks the server and fetches images
   * @param {Item} item
   */
  constructor(panel, item) {
    this.panel = panel;
    this.item = item;
    /** @type {Promise<string> | null} */
    this.picture = null;  // address of the item's image
  }

  /**
   * @param {HTMLElement} place
   * @param {Explanation} explanation
   * @param {"saw" | "local"} kind
   */
  draw(place, { state, hidden, error, result }, kind) {
    if (state === place.dataset.state) return;  // as it was
    place.dataset.state = state;
    place.replaceChildren();
    if (state === "hidden") {
      make("p", "why-hidden", place, reasonInWords(hidden));
    } else if (state === "failed") {
      make("p", "why-error", place, error);
    } else if (state === "done") {
      this.drawClasses(place, result);
      if (result.slice) this.drawSlice(place, result, kind);
      if (result.start) make("p", "why-start", place, startInWords(result.start));
      if (kind === "saw") make("p", "why-caution", place, t("What is marked moved the score: it is evidence, not a cause."));
      if (kind === "saw" && result.attention) this.offerAttention(place, result);
      if (kind === "local") this.drawFit(place, result);
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
      if (result.spans) this.drawText(figure, result.spans, explained.weights, (weight) => weight < 0 ? "why-against" : "why-for");
      else this.drawMap(figure, explained.map, t("Where the image speaks for and against {name}", { name: explained.name }), result.slice);
      const caption = make("figcaption", "", figure);
      make("strong", "", caption, explained.name);
      caption.append(` ${(100 * explained.probability).toFixed(0)}%`);
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
   * @param {(weight: number) => string} look the name of a word's style
   */
  drawText(figure, spans, weights, look) {
    const letters = Array.from(this.item.text);  // the server counts characters, JavaScript halves of them
    const text = make("p", "why-text", figure);
    text.dir = "auto";
    let end = 0;
    spans.forEach(([start, stop], index) => {
      text.append(letters.slice(end, start).join(""));
      const weight = weights[index];
      const word = make("span", look(weight), text, letters.slice(start, stop).join(""));
      word.style.setProperty("--weight", Math.abs(weight).toFixed(3));
      end = stop;
    });
    text.append(letters.slice(end).join(""));
  }

  /**
   * @param {Element} figure
   * @param {string} address of the map
   * @param {string} description
   * @param {[number, number] | null} [slice] of a stack
   */
  drawMap(figure, address, description, slice) {
    const frame = make("div", "why-frame", figure);
    const picture = make("img", "why-picture", frame);
    picture.alt = "";
    this.picture ??= this.panel.image(`${this.item.media}${slice ? frameQuery("", slice[0]) : ""}`);
    this.picture.then((url) => { picture.src = url; }, () => picture.remove());
    const map = make("img", "why-map", frame);
    map.alt = description;
    map.src = address;
    this.panel.content.style.setProperty("--strength", String(this.panel.strength / 100));
  }

  /**
   * @param {Element} place
   * @param {ExplanationResult} result of a slice of a stack
   * @param {"saw" | "local"} kind
   */
  drawSlice(place, { slice: [frame, frames], classes: [{ name }] }, kind) {
    const about = make("p", "why-slice", place, kind === "saw"
      ? t("Slice {frame} of {frames} speaks most for {name}. The percentages are of the whole stack.", { frame, frames, name })
      : t("Slice {frame} of {frames}, as if it were alone: the percentages are its own.", { frame, frames }));
    about.append(" ");
    makeButton("why-ask", about, { text: t("Show this slice"), run: () => this.panel.desk.stage.showSlice(frame) });
  }

  /** @param {Element} place */
  drawSlider(place) {
    const label = make("label", "why-slider", place, t("Strength of the colours"));
    const slider = make("input", "", label);
    Object.assign(slider, { type: "range", min: "0", max: "100", value: String(this.panel.strength) });
    slider.addEventListener("input", () => {
      this.panel.strength = Number(slider.value);
      this.panel.content.style.setProperty("--strength", String(this.panel.strength / 100));
    });
  }

  /**
   * @param {Element} place
   * @param {ExplanationResult} result with the attention of a transformer
   */
  offerAttention(place, { attention, spans, slice }) {
    const section = make("div", "why-attention", place);
    const button = makeButton("why-ask", section, { text: t("Show attention"), run: () => {
      button.remove();
      make("h3", "", section, t("Attention"));
      const figure = make("figure", "", make("div", spans ? "why-texts" : "why-pictures", section));
      if (spans) this.drawText(figure, spans, attention.weights, () => "why-attended");
      else this.drawMap(figure, attention.map, t("Where the network gathered what it read"), slice);
      make("p", "why-caution", section, t("The stronger the colour, the more of a part the network mixed into what it read, over all its layers and for all classes at once. That a part was attended to does not prove that it decided."));
    } });
    button.title = t("From where the network gathered what it read (attention rollout).");
  }

  /** @param {Element} place */
  offerLocal(place) {
    const local = make("div", "why-local", place);
    const button = makeButton("why-ask", local, { text: t("Explain by hiding parts"), run: () => {
      button.remove();
      make("h3", "", local, t("By hiding parts"));
      const body = make("div", "", local);
      this.panel.ask("local", (reply) => {
        this.draw(body, reply.local, "local");
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
    make("p", "why-caution", place, t("Parts were hidden at random; adding up what each does tells {n}% of how the first class's probability changed. It holds near this item only, and is evidence, not a cause.", { n: Math.round(100 * fit) }));
  }
}
