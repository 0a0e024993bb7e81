// While its server cannot be reached, Streamlit covers the page with a dialog. The desk goes on without the server and
// says so itself, so that dialog is closed as soon as it is there; Streamlit shows it once until it is connected again.
export class Quiet {
  constructor() {
    this.observer = new MutationObserver(() => this.dismiss());
    this.observer.observe(document.body, { childList: true, subtree: true });
  }

  dismiss() {
    for (const dialog of document.querySelectorAll("[role=dialog]")) {
      if (dialog.querySelector("h2")?.textContent === "Connection error") {
        /** @type {HTMLElement | null} */
        const close = dialog.querySelector("button[aria-label=Close]");
        close?.click();
      }
    }
  }

  stop() {
    this.observer.disconnect();
  }
}
