// On a phone the sidebar lies over the page, and closes once something is chosen in it. What a person opens while the
// first page still loads stays open: nothing is chosen as long as the address is that of the load.
const menu = () => document.querySelector("[data-testid=stSidebar]");
const close = () => {
    if (innerWidth > 768 || window.labelerMenu.opened || !menu() || menu().getBoundingClientRect().right <= 0) return;
    menu().querySelector("[data-testid=stSidebarCollapseButton] button")?.click();
};
if (!window.labelerMenu) {
    const [{ name: loaded }] = performance.getEntriesByType("navigation");
    window.labelerMenu = { opened: new URL(loaded).pathname === location.pathname };
    document.addEventListener("click", ({ target }) => {
        if (target.closest?.("[data-testid=stExpandSidebarButton]")) window.labelerMenu.opened = true;
        else if (menu()?.contains(target)) window.labelerMenu.opened = false;
        if (target.closest?.("[data-testid=stSidebarNavLink]")) setTimeout(close, 100);
    }, true);
}
setTimeout(close, 100);
