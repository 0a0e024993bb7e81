// What every page's document needs of a browser; values come as attributes of the script, since the policy of the app
// (labeler/api/headers.py) runs scripts of known text alone.
(() => {
    const { language, title, text, cookie } = document.currentScript.dataset;
    if (cookie) document.cookie = cookie;
    if (!language) return;
    document.documentElement.lang = language;
    // What is drawn outside of the app, such as a popover, is light or dark as the app is.
    const app = document.querySelector("[data-testid=stApp]");
    if (app) document.documentElement.style.colorScheme = getComputedStyle(app).colorScheme;

    // Streamlit's dialog about an unknown address is drawn outside of the app's pages, in English. Its title and text
    // are replaced as soon as it appears.
    const replace = () => {
        for (const head of document.querySelectorAll("[role=dialog] h2")) {
            if (head.textContent !== "Page not found") continue;
            const body = head.parentElement.querySelector("h2 + div > div");
            head.textContent = title;
            if (body) body.textContent = text;
        }
    };
    window.labelerDialogs?.disconnect();
    if (title) {
        window.labelerDialogs = new MutationObserver(replace);
        window.labelerDialogs.observe(document.body, { childList: true, subtree: true });
        replace();
    }

    // On a phone the sidebar lies over the page, and closes once something is chosen in it, such as another page. What a
    // person opens while a page still loads stays open.
    const menu = () => document.querySelector("[data-testid=stSidebar]");
    const close = () => {
        if (innerWidth > 768 || window.labelerMenu.opened || !menu() || menu().getBoundingClientRect().right <= 0) return;
        menu().querySelector("[data-testid=stSidebarCollapseButton] button")?.click();
    };
    if (!window.labelerMenu) {
        const [{ name: loaded }] = performance.getEntriesByType("navigation");
        window.labelerMenu = { opened: true, path: new URL(loaded).pathname };
        document.addEventListener("click", ({ target }) => {
            if (target.closest?.("[data-testid=stExpandSidebarButton]"))
                Object.assign(window.labelerMenu, { opened: true, path: location.pathname });
            else if (menu()?.contains(target)) window.labelerMenu.opened = false;
            if (target.closest?.("[data-testid=stSidebarNavLink]")) setTimeout(close, 100);
        }, true);
    }
    // a page may have been chosen before the listener was there
    if (window.labelerMenu.path !== location.pathname) Object.assign(window.labelerMenu, { opened: false, path: location.pathname });
    setTimeout(close, 100);

    // On a phone the tabs of a page are wider than the window: the one that is open is brought into sight.
    const showTab = () => {
        const tab = document.querySelector("[data-testid=stTabs] [role=tab][aria-selected=true]");
        if (!tab || tab === window.labelerTab) return;
        window.labelerTab = tab;
        const [inner, outer] = [tab, tab.closest("[role=tablist]")].map((element) => element.getBoundingClientRect());
        if (inner.left < outer.left || inner.right > outer.right)
            tab.scrollIntoView({ block: "nearest", inline: "center" });
    };
    if (!window.labelerTabs) {
        window.labelerTabs = new MutationObserver(showTab);
        window.labelerTabs.observe(document.body, { childList: true, subtree: true, attributeFilter: ["aria-selected"] });
    }
    showTab();
})();
