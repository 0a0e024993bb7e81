// What is shown while there is nothing to answer: what is being waited for, calmly.
const RESTS = {
  getting: () => ["", t("Getting the next items …")],
  break: () => [t("Taking a break"), t("Your items are free for others meanwhile. No time is counted.")],
  paused: () => [t("Labeling is paused"), t("The project lead has paused it. It goes on here by itself.")],
  stopped: () => [
    t("Labeling has stopped"), t("There are labels enough for now. If it goes on, items appear here by themselves."),
  ],
  unqualified: () => [
    t("Thank you for the first answers"),
    t("The project lead looks at them, and then lets you in. New items appear here by themselves."),
  ],
  budget: ({ n }) => [
    t("The budget is spent"), t("All {n} labels have been given. The project lead can raise the budget.", { n }),
  ],
  others: ({ n }) => [
    t("Nothing to do for a moment"),
    t("Others are answering the last {n} items. New ones appear here by themselves.", { n }),
  ],
  empty: () => [t("Nothing to label yet"), t("Import images or texts on the Project page.")],
  training: () => [
    t("The model is learning"), t("New items appear here by themselves as soon as the next ranking is ready."),
  ],
  done: () => [t("All done"), t("Everything you can answer is answered. Thank you.")],
};

function rest(parent, waiting, resume) {
  const [title, text] = RESTS[waiting.reason](waiting);
  const card = make("div", "rest");
  card.dataset.reason = waiting.reason;
  if (title) make("h2", "", card, title);
  make("p", "message", card, text);
  if (resume) makeButton("action", card, { text: t("Go on"), run: resume });
  parent.replaceChildren(card);
}
