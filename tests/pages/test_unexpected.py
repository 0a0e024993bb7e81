"""A fault in the program shows a sentence to everybody, and what happened to who runs the server alone."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from tests.support.pages import everything
from tests.support.people import home_of_people


def _failed() -> None:
    from pages.shared.unexpected import unexpected

    try:
        raise ValueError("/srv/homes/reviews")
    except ValueError as error:
        unexpected(error)


@pytest.mark.parametrize(("who", "reads_it"), [("annotator", False), ("admin", True)])
def test_what_happened_is_told_to_who_runs_the_server(
    tmp_path: Path, own_home: Path, monkeypatch: pytest.MonkeyPatch, who: str, reads_it: bool
):
    with home_of_people(tmp_path / "home", 2) as people:
        monkeypatch.setenv("LABELER_HOME", str(tmp_path / "home"))
        monkeypatch.setattr("pages.shared.access.visitor", lambda: people[who])
        app = AppTest.from_function(_failed).run()
    assert "What you saved is kept" in everything(app)
    assert any("ValueError: /srv/homes/reviews" in code.value for code in app.code) == reads_it


def test_whoever_labels_alone_reads_what_happened(own_home: Path):
    app = AppTest.from_function(_failed).run()
    assert "ValueError: /srv/homes/reviews" in app.code[0].value
