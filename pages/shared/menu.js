// On a phone the sidebar lies over the page. It closes once something is chosen in it, and is closed as a page opens.
const close = () => {
    const menu = document.querySelector("[data-testid=stSidebar]");
    if (innerWidth > 768 || !menu || menu.getBoundingClientRect().right <= 0) return;
    menu.querySelector("[data-testid=stSidebarCollapseButton] button")?.click();
};
if (!window.labelerMenu) {
    window.labelerMenu = true;
    document.addEventListener("click", (event) => {
        if (event.target.closest?.("[data-testid=stSidebarNavLink]")) setTimeout(close, 100);
    });
}
setTimeout(close, 100);
