// This tab's name: kept over a reload, but not shared with a duplicate of the tab, which copies sessionStorage.
async function claimTab() {
  const fresh = () => `tab-${crypto.getRandomValues(new Uint32Array(3)).join("")}`;
  let tab = sessionStorage.getItem("labeler/tab") ?? fresh();
  if (navigator.locks) {
    const claim = (name) => new Promise((resolve) => {
      navigator.locks.request(`labeler/${name}`, { ifAvailable: true }, (lock) => {
        resolve(Boolean(lock));
        return lock ? new Promise(() => {}) : undefined;  // held until the page is gone
      });
    });
    const mine = (claimTab.held ??= new Set());
    if (!mine.has(tab) && !(await claim(tab))) {
      tab = fresh();
      await claim(tab);
    }
    mine.add(tab);
  }
  sessionStorage.setItem("labeler/tab", tab);
  return tab;
}
