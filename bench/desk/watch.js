// Runs in each page before the desk does: notes when a key was pressed, when the next item was in the page and when it
// was drawn, and when all answers were acknowledged. It knows of the desk `.stage[data-item]` and `.desk[data-unsent]`.
window.deskWatch = (() => {
  const answers = [];  // {item, key, inPage, shown, acknowledged}: key a moment, the others milliseconds from then
  let root = null;     // what the desk is drawn in
  let since = null;    // when the visible item was drawn

  const visible = () => {
    const stage = root?.querySelector(".stage");
    if (!stage?.dataset.item) return null;
    const image = stage.querySelector("img");
    return image && !(image.complete && image.naturalWidth) ? null : stage.dataset.item;
  };

  const look = () => {
    const now = performance.now();
    const last = answers.at(-1);
    const item = visible();
    if (last && last.inPage === undefined && item && item !== last.item) {
      last.inPage = now - last.key;
      requestAnimationFrame(() => {
        since = performance.now();
        last.shown = since - last.key;
      });
    }
    const unsent = root.querySelector(".desk")?.dataset.unsent !== "0";
    for (const answer of answers.slice(-50)) {
      if (unsent) answer.sent = true;
      else if (answer.sent) answer.acknowledged ??= now - answer.key;
    }
  };

  window.addEventListener("keydown", () => {
    const item = visible();
    if (item) answers.push({ item, key: performance.now() });
  }, true);

  return {
    answers,
    // Resolves once the desk shows its first item.
    begin: () => new Promise((resolve) => {
      const seek = () => {
        root = [...document.querySelectorAll("*")].map((e) => e.shadowRoot).find((r) => r?.querySelector(".stage"));
        if (!visible()) return setTimeout(seek, 5);
        const options = { subtree: true, childList: true, attributes: true, attributeFilter: ["data-item", "data-unsent"] };
        new MutationObserver(look).observe(root, options);
        root.addEventListener("load", look, true);  // of an image that was not there yet
        requestAnimationFrame(() => resolve(since = performance.now()));
      };
      seek();
    }),
    // Resolves with true once the visible item has been there for `ms`, with false after `limit` ms.
    ready: (ms, limit) => new Promise((resolve) => {
      const from = performance.now();
      const seek = () => {
        const last = answers.at(-1);  // a key that had no effect is given up
        const waiting = last && last.shown === undefined && performance.now() - last.key < 5000;
        if (!waiting && visible() && performance.now() - since >= ms) resolve(true);
        else if (performance.now() - from > limit) resolve(false);
        else setTimeout(seek, 5);
      };
      seek();
    }),
    saved: () => root.querySelector(".desk").dataset.unsent === "0",
  };
})();
