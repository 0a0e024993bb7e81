// On a phone the sidebar lies over the page. It is closed as a page opens, and closes once something is chosen in it.
// What a person opens while a page still loads stays open.
const menu = () => document.querySelector("[data-testid=stSidebar]");
const close = () => {
    if (innerWidth > 768 || window.labelerMenu.opened || !menu() || menu().getBoundingClientRect().right <= 0) return;
    menu().querySelector("[data-testid=stSidebarCollapseButton] button")?.click();
};
if (!window.labelerMenu) {
    window.labelerMenu = { opened: false };
    document.addEventListener("click", ({ target }) => {
        if (target.closest?.("[data-testid=stExpandSidebarButton]")) window.labelerMenu.opened = true;
        else if (menu()?.contains(target)) window.labelerMenu.opened = false;
        if (target.closest?.("[data-testid=stSidebarNavLink]")) setTimeout(close, 100);
    }, true);
}
setTimeout(close, 100);
