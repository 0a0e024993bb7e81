// What a site keeps may be deleted by the browser when space is short, unless somebody asked it not to.

const ASKED = "labeler/persistence";

/**
 * Ask the browser to keep unsent answers, whatever else it deletes. Once, and not before an answer is kept: some browsers
 * ask the person, who sees then what it is about.
 */
export async function askToPersist() {
  try {
    if (!navigator.storage?.persist || localStorage.getItem(ASKED)) return;
    localStorage.setItem(ASKED, "asked");
    if (!(await navigator.storage.persisted())) await navigator.storage.persist();
  } catch { /* not on this page, or no room: answers are kept all the same */ }
}
