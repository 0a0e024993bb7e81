"""Pages through Streamlit's own test runner."""

import functools
from collections.abc import Sequence
from typing import Any

from streamlit.components.v2 import manifest_scanner
from streamlit.runtime.scriptrunner.script_cache import ScriptCache
from streamlit.testing.v1 import AppTest

from labeler.access.users import local_user
from tests.support.machine import ROOT

# Streamlit searches the metadata of all installed packages at each start of an app, and each run here is a start.
manifest_scanner.scan_component_manifests = functools.cache(manifest_scanner.scan_component_manifests)

# The test runner compiles the app and the page anew for each run, which takes a fifth of it.
_of_all_runs = functools.partial(functools.cache(ScriptCache.get_bytecode), ScriptCache())
setattr(ScriptCache, "get_bytecode", lambda _, path: _of_all_runs(path))  # noqa: B010 - mypy knows it as a method


def visit(page: str = "label", part: str = "", annotator: str | None = None) -> AppTest:
    """The page as it is drawn first. `part`: the tab that is open, by its name. `annotator`: "" has given no name."""
    app = AppTest.from_file(str(ROOT / "pages" / "app.py"), default_timeout=30)
    annotator = local_user().name if annotator is None else annotator
    if annotator:
        app.query_params["annotator"] = annotator
    app.run()
    if part:
        app.session_state["part"] = part
    if page != "label":
        app.switch_page(f"{page}/page.py").run()
    assert not app.exception, app.exception
    return app


def everything(app: AppTest) -> str:
    shown = [*app.title, *app.markdown, *app.caption, *app.info, *app.error, *app.success, *app.warning, *app.metric]
    return " ".join(f"{getattr(e, 'label', '')} {e.value}" for e in shown)


def elements(app: AppTest, kind: str) -> Sequence[Any]:
    """The elements of this kind, whose attributes depend on it."""
    return app.get(kind)


def widget(app: AppTest, kind: str, label: str):
    """The widget of this kind whose label begins so."""
    return next(w for w in elements(app, kind) if w.label.startswith(label))
