// Where an item comes from: how items are chosen, the strategy where a lead looks, and the labeled items that are most like it.
import { make } from "../../base/dom.js";
import { t } from "../../base/words.js";
import { reasonInWords } from "./reasons.js";
/** @import { WhyPanel } from "./panel.js" */
/** @import { Neighbour, Origin } from "./types.js" */

/**
 * @param {Element} place whose content it replaces
 * @param {Origin | null} origin that only leads are told
 */
export function drawOrigin(place, origin) {
  place.replaceChildren();
  make("p", "", place, t("Most items are asked because the model learns much from them; some are drawn at random, to measure it. Which is which is not shown, so that every item gets the same care."));
  if (!origin) return;
  const details = make("details", "why-origin", place);
  make("summary", "", details, t("For leads: the query strategy"));
  const title = make("p", "", details);
  make("strong", "", title, origin.name);
  title.append(origin.family ? ` (${origin.family})` : "");
  if (origin.summary) make("p", "", details, origin.summary);
  const facts = make("dl", "why-facts", details);
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
 * @param {Element} place whose content it replaces
 * @param {{items: Neighbour[], hidden?: string | null}} neighbours
 * @param {WhyPanel} panel that fetches their images
 */
export function drawNeighbours(place, { items, hidden }, panel) {
  place.replaceChildren();
  if (hidden) {
    make("p", "why-hidden", place, reasonInWords(hidden));
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
      panel.image(neighbour.media).then((url) => { picture.src = url; }, () => picture.remove());
    }
    const about = make("div", "", row);
    make("strong", "why-label", about, panel.desk.labelText(neighbour.label));
    make("span", "why-similarity", about, t("similarity {n}", { n: neighbour.similarity.toFixed(2) }));
    const facts = Object.entries(neighbour.metadata).map(([name, value]) => `${name}: ${value}`).join(" · ");
    if (facts) make("p", "why-columns", about, facts).dir = "auto";
    if (neighbour.text) make("p", "why-beginning", about, neighbour.text).dir = "auto";
  }
}
