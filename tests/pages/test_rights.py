"""Who sees which page, from the table of rights; and that each page and callback asks."""

import ast
from collections.abc import Iterator

import pytest
from streamlit.testing.v1 import AppTest

from labeler.access.roles import HOME_ACTIONS, MAY, Action, HomeAction, may
from tests.support.machine import ROOT
from tests.support.pages import visit
from tests.support.people import PEOPLE, home_of_people

# Of each page, the actions of which one is enough to see it.
NEEDS: dict[str, tuple[Action | HomeAction, ...]] = {
    "label": ("label",),
    "items": ("see_items",),
    "progress": ("see_progress",),
    "review": ("review",),
    "team": ("see_progress",),
    "strategy": ("see_strategies",),
    "project": ("change_settings", "take_out"),
    "members": ("manage_members",),
    "audit": ("see_audit",),
    "server": ("see_server",),
}
# Callbacks that change nothing but what the visitor's own session shows.
HARMLESS = {
    *("_switched", "_begin", "_list_all", "_list_similar", "open_item", "close", "cases.back", "cases.forward"),
    *("_go_on", "ignore", "rerun"),
}
PAGES = sorted(path.parent.name for path in (ROOT / "pages").glob("*/page.py"))
LOCK = ":material/lock:"


@pytest.fixture(scope="module")
def people(tmp_path_factory) -> Iterator[dict]:
    with home_of_people(tmp_path_factory.mktemp("rights"), 6) as people:
        yield people


@pytest.fixture(autouse=True)
def in_their_home(people, own_home, monkeypatch):
    monkeypatch.setenv("LABELER_HOME", str(people["project"].folder.parent))


def as_visitor(monkeypatch, user) -> None:
    monkeypatch.setattr("pages.shared.access.visitor", lambda: user)


def locks(app: AppTest) -> list[str]:
    return [e.value for e in [*app.info, *app.error] if e.icon in (LOCK, "🔒") or "in no project yet" in e.value]


def place_of(action, people):
    """Where a right is asked: in the project, or in the home."""
    return None if action in HOME_ACTIONS else people["project"]


def test_every_page_has_its_needs_here():
    assert set(PAGES) <= set(NEEDS)


@pytest.mark.parametrize("page", PAGES)
def test_a_page_is_drawn_for_whom_the_table_names_and_for_nobody_else(page, people, monkeypatch):
    for name in PEOPLE:
        user = people[name]
        as_visitor(monkeypatch, user)
        if any(may(user, place_of(action, people), action) for action in NEEDS[page]):
            if name != "lead" or page in ("label", "members"):  # who sees what an admin sees
                assert not locks(visit(page)), name
        else:
            app = AppTest.from_file(str(ROOT / "pages" / page / "page.py"), default_timeout=30).run()
            assert locks(app), name
            assert not [*app.button, *app.dataframe, *app.text_input, *app.selectbox], name


def test_somebody_who_is_not_logged_in_sees_the_way_to_log_in_alone(people, monkeypatch):
    as_visitor(monkeypatch, None)
    for page in PAGES:
        app = AppTest.from_file(str(ROOT / "pages" / page / "page.py"), default_timeout=30).run()
        assert [title.value for title in app.title] == ["Log in"], page
        assert "reviews" not in str(app.main).lower()
        assert not [*app.dataframe, *app.metric, *app.text_input]


def test_the_menu_offers_annotators_what_they_may_open(people, monkeypatch):
    as_visitor(monkeypatch, people["annotator"])
    app = visit("progress")
    tabs = {tab.label for tab in app.tabs}  # labels would tell them the answers, and counts what is in the holdout
    assert "Curve" in tabs
    assert not {"Holdout", "Slices"} & tabs
    as_visitor(monkeypatch, people["lead"])
    assert "Holdout" in [tab.label for tab in visit("progress").tabs]


def test_a_page_that_the_menu_lacks_says_that_one_may_not_use_it(people, monkeypatch):
    menus = []

    def navigation(pages):
        menus.append(pages)
        return pages[0]

    monkeypatch.setattr("streamlit.navigation", navigation)
    as_visitor(monkeypatch, people["annotator"])
    AppTest.from_file(str(ROOT / "pages" / "app.py"), default_timeout=30).run()
    visibility = {page.url_path or "label": page.visibility for page in menus[0]}
    assert {path for path, value in visibility.items() if value == "visible"} == {"label", "progress", "team"}
    assert {"project", "review", "items", "server"} <= set(visibility)


def test_a_right_that_was_taken_away_stops_the_next_click(people, monkeypatch):
    """Streamlit runs a callback before the page, which would find it out."""
    project = people["project"]
    as_visitor(monkeypatch, people["lead"])
    app = visit("items")
    ask = next(button for button in app.button if button.label == "Ask next")
    as_visitor(monkeypatch, people["annotator"])
    ask.click().run()
    with project.store() as store:
        assert not store.db.value("SELECT COUNT(*) FROM asked_next")
    as_visitor(monkeypatch, people["lead"])
    next(button for button in visit("items").button if button.label == "Ask next").click().run()
    with project.store() as store:
        assert store.db.value("SELECT COUNT(*) FROM asked_next")


# ---------------------------------------------------------------- that each place asks


def test_each_page_names_the_action_that_it_needs():
    for page in PAGES:
        tree = ast.parse((ROOT / "pages" / page / "page.py").read_text(encoding="utf-8"))
        asked = {
            argument.value
            for node in ast.walk(tree)
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
            if node.func.id in ("require_right", "is_allowed", "may")
            for argument in node.args
            if isinstance(argument, ast.Constant) and argument.value and " " not in str(argument.value)
        }
        assert asked & set(NEEDS[page]), page
        assert asked <= {*MAY, *HOME_ACTIONS}, page


def test_each_callback_that_changes_something_names_an_action():
    checked, given = set(), {}
    for path in sorted((ROOT / "pages").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and any("only_with" in ast.unparse(d) for d in node.decorator_list):
                checked.add(node.name)
            if isinstance(node, ast.keyword) and node.arg in ("on_click", "on_change", "on_select"):
                words = ast.unparse(node.value).strip("'")
                given[words] = path.relative_to(ROOT).as_posix()
    named = {"press": "_label"}  # a partial of it, see pages/items/labeling.py
    unasked = {w: p for w, p in given.items() if named.get(w, w) not in checked and w not in HARMLESS}
    assert not unasked
    assert checked >= {"_label", "_undo", "decide", "undo", "_ask", "_take_back"}
