// Streamlit's dialog about an unknown address is drawn outside of the app's pages, in English. Its title and text are
// replaced by these two as soon as it appears.
(title, text) => {
  const replace = () => {
    for (const head of document.querySelectorAll("[role=dialog] h2")) {
      if (head.textContent !== "Page not found") continue;
      const body = head.parentElement.querySelector("h2 + div > div");
      head.textContent = title;
      if (body) body.textContent = text;
    }
  };
  window.labelerDialogs?.disconnect();
  window.labelerDialogs = new MutationObserver(replace);
  window.labelerDialogs.observe(document.body, { childList: true, subtree: true });
  replace();
};
