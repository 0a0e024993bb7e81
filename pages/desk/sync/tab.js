/** @type {Set<string>} */
const claimedHere = new Set();  // by an earlier desk of this page, whose lock lasts as long as the page

/**
 * This tab's name: kept over a reload, but not shared with a duplicate of the tab, which copies sessionStorage.
 * @returns {Promise<string>}
 */
export async function claimTab() {
  const newName = () => `tab-${crypto.getRandomValues(new Uint32Array(3)).join("")}`;
  let tab = sessionStorage.getItem("labeler/tab") ?? newName();
  if (navigator.locks && !claimedHere.has(tab) && !(await claim(tab))) {
    tab = newName();
    await claim(tab);
  }
  claimedHere.add(tab);
  sessionStorage.setItem("labeler/tab", tab);
  return tab;
}

/**
 * Whether the name is free; it is this page's from then on, until the page is gone.
 * @param {string} name
 * @returns {Promise<boolean>}
 */
function claim(name) {
  return new Promise((resolve) => {
    navigator.locks.request(`labeler/${name}`, { ifAvailable: true }, (lock) => {
      resolve(Boolean(lock));
      return lock ? new Promise(() => {}) : undefined;
    });
  });
}
