// What is shown while there is nothing to answer: what is being waited for, calmly.
import { make, makeButton } from "../base/dom.js";
import { t } from "../base/words.js";
/** @import { Waiting } from "../base/types.js" */

// Title and text, by the reason.
/** @type {Record<string, (waiting: Waiting) => string[]>} */
const RESTS = {
  getting: () => ["", t("Getting the next items …")],
  break: () => [t("Taking a break"), t("Others can answer your items meanwhile. No time is counted.")],
  paused: () => [t("Labeling is paused"), t("The project lead has paused it. It continues here automatically.")],
  stopped: ({ by, text }) => [
    t("Labeling has stopped"),
    !text ? t("There are enough labels for now. If labeling resumes, items appear here automatically.")
      : by ? t("{by}: “{text}” If labeling resumes, items appear here automatically.", { by, text })
      : t("{text} If labeling resumes, items appear here automatically.", { text }),
  ],
  unqualified: () => [
    t("Thank you for the first answers"),
    t("The project lead checks them before you continue. New items appear here automatically."),
  ],
  budget: ({ n }) => [
    t("The budget is spent"), t("All {n} answers have been given. The project lead can raise the budget.", { n }),
  ],
  tab: ({ n }) => [
    t("Your items are in another window"),
    t("A window that is open under your name holds {n} items: answer them there. Once it is closed, they appear here.",
      { n }),
  ],
  others: ({ n }) => [
    t("Nothing to do for a moment"),
    t("Others are answering the last {n} items. New ones appear here automatically.", { n }),
  ],
  empty: () => [t("Nothing to label yet"), t("Import images or texts on the Project page.")],
  training: () => [
    t("The model is learning"), t("New items appear here automatically as soon as the next ranking is ready."),
  ],
  done: ({ n }) => [
    t("All done"),
    n ? t("You have answered everything that you can. What is left is for others. Thank you.")
      : t("Every item is labeled. Thank you."),
  ],
};

/**
 * @param {Element} parent whose content it replaces
 * @param {Waiting} waiting
 * @param {() => void} [resume] for a button that goes on
 */
export function drawRest(parent, waiting, resume) {
  const [title, text] = RESTS[waiting.reason](waiting);
  const card = make("div", "rest");
  card.dataset.reason = waiting.reason;
  if (title) make("h2", "", card, title);
  make("p", "message", card, text);
  if (resume) makeButton("action", card, { text: t("Go on"), run: resume });
  parent.replaceChildren(card);
}
