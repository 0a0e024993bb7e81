"""The Audit page: rows, filters, the check, and the file; only for those who may see it."""

import ast
from dataclasses import replace

import pytest

from labeler.core.actor import Actor
from labeler.i18n.messages import use
from labeler.projects.project import Project
from labeler.report.sentences.audit import ACTIONS, PARTS, change_in_words, object_in_words, value_in_words
from labeler.report.sentences.stopping import stop_reason
from labeler.store.audit import AuditRow
from tests.support.machine import ROOT
from tests.support.pages import everything, visit, widget


@pytest.fixture
def logged(project: Project) -> Project:
    """A project in which two people stopped and went on."""
    with project.store() as store:
        store.db.actor = Actor("", "page", "10.0.0.7")
        store.stops.stop("kim", "enough")
        store.stops.lift("lee")
    return project


def test_rows_are_filtered_by_who(logged: Project):
    app = visit("audit")
    assert app.dataframe[0].value["who"].tolist() == ["lee", "kim", "–"]
    assert app.dataframe[0].value["what"].tolist()[1] == "reason: enough"
    widget(app, "selectbox", "Who").select("kim")
    app.run()
    assert app.dataframe[0].value["action"].tolist() == ["labeling stopped"]
    assert app.dataframe[0].value["from where"].tolist() == ["10.0.0.7"]


def test_the_check_shows_the_head_and_the_row_that_was_changed(logged: Project):
    app = visit("audit")
    widget(app, "button", "Check the log").click().run()
    assert "All 3 rows are as they were written" in everything(app)
    with logged.store() as store:
        assert app.code[0].value == store.audit.head()
        store.db.execute("DROP TRIGGER audit_log_keep_values")
        store.db.execute("UPDATE audit_log SET by = 'ann' WHERE id = 2")
        store.db.connection.commit()
    widget(app, "button", "Check the log").click().run()
    assert "Row 2 is not as it was written" in everything(app)


def test_who_does_not_lead_does_not_see_the_log(logged: Project):
    logged.save(replace(logged.config, team=replace(logged.config.team, leads=("kim",))))
    app = visit("audit", annotator="ann")
    assert "Those who lead or audit this project" in everything(app)
    assert app.title[0].value == "Audit"
    assert len(app.dataframe) == 0


def test_a_change_of_settings_names_each_with_what_was_before(logged: Project):
    logged.save(replace(logged.config, budget=77, target_accuracy=0.5))
    with logged.store() as store:
        text = change_in_words(store.audit.rows()[0])
    assert text == "Budget (answers in all): 1,000 → 77, Target accuracy: 90% → 50%"


def test_what_erasures_keep_for_the_check_is_not_shown():
    assert value_in_words({"digests": {"1": "ab"}}) == ""
    assert value_in_words({"items": 5000, "projects": ["kim", "lee"]}) == "items: 5,000, projects: kim, lee"


def recorded() -> tuple[set[str], set[str]]:
    """The actions that the code records, and the names of the parts of what they are about, where they are literal."""
    actions, parts = set[str](), set[str]()
    for path in (ROOT / "labeler").rglob("*.py"):
        for function in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(function, ast.FunctionDef):
                continue
            named = {
                target.id: node.value
                for node in ast.walk(function)
                if isinstance(node, ast.Assign)
                for target in node.targets
                if isinstance(target, ast.Name)
            }
            for call in ast.walk(function):
                if isinstance(call, ast.Call) and ast.unparse(call.func).endswith("audit.record"):
                    actions |= {
                        n.value
                        for n in ast.walk(call.args[1])
                        if isinstance(n, ast.Constant) and isinstance(n.value, str)
                    }
                    given = [*call.args[2:], *(keyword.value for keyword in call.keywords)]
                    dicts = [named.get(part.id) if isinstance(part, ast.Name) else part for part in given]
                    parts |= {ast.literal_eval(key) for d in dicts if isinstance(d, ast.Dict) for key in d.keys if key}
    return actions, parts


def test_every_action_that_is_recorded_has_a_name_and_so_has_each_of_its_parts():
    actions, parts = recorded()
    assert len(actions) > 30
    assert actions - ACTIONS.keys() == set()
    assert parts - PARTS.keys() - {"digests"} == set()


@pytest.mark.parametrize(
    ("action", "what", "before", "after", "about", "change"),
    [
        ("role given", {"name": "kim", "project": "u-1"}, None, "lead", "이름: kim, 프로젝트: 편지", "책임자"),
        ("role given", {"name": "kim"}, "annotator", None, "이름: kim", "작업자 → –"),
        (
            "decided",
            {"item": 12345, "decision": "exclude"},
            '["a","b"]',
            None,
            "항목 번호: 12345, 결정: 제외함",
            "a, b → –",
        ),
        ("admin", {"name": "kim"}, False, True, "이름: kim", "아니요 → 예"),
        ("exported", {"rows": "items", "request": "x"}, None, {"rows": 1000}, "행: 항목", "행: 1,000"),
        ("settings changed", {}, {"budget": 5}, {"budget": 6}, "", "예산(전체 답 수): 5 → 6"),
        (
            "project created",
            {"name": "편지"},
            None,
            {"query": {"batch": 5}, "engine": {"kind": "local"}},
            "이름: 편지",
            "라운드 사이의 라벨 수: 5, engine.kind: local",
        ),
        ("API token made", {"token": 1}, None, {"projects": ["u-1", "u-2"]}, "토큰 번호: 1", "프로젝트: 편지, u-2"),
        ("API token made", {}, None, {"scope": "read"}, "", "범위: 읽기"),
        (
            "project created",
            {},
            None,
            {"answers": "one", "modality": "text"},
            "",
            "항목의 클래스 수: 항목마다 클래스 하나, 항목: 텍스트",
        ),
        (
            "labeling stopped",
            {"reason": str(stop_reason("target"))},
            None,
            None,
            "이유: “목표 도달” 규칙이 충족되었습니다.",
            "",
        ),
        ("labeling stopped", {"reason": "all items"}, None, None, "이유: all items", ""),
        ("items asked next", {"selection": "all items · site: A"}, None, None, "선택: 모든 항목 · site: A", ""),
    ],
)
def test_a_row_is_in_words_of_the_readers_language(action, what, before, after, about, change):  # wide: a row
    row = AuditRow(1, "", action, "", "page", "", what, before, after, "")
    use("ko")
    try:
        assert object_in_words(row, {"u-1": "편지"}) == about
        assert change_in_words(row, {"u-1": "편지"}) == change
    finally:
        use("en")


def test_an_object_is_one_line(logged: Project):
    with logged.store() as store:
        assert object_in_words(store.audit.rows()[0]) == ""
