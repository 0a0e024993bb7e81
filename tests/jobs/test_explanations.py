"""The explainer: results are kept, what goes wrong is a sentence, and a process that is killed loses nothing."""

import os
import subprocess
import sys
from dataclasses import replace

import pytest

from labeler.core.items import NewItem
from labeler.core.settings import LearnerConfig
from labeler.jobs import explanations
from labeler.jobs.explanations import Explainer, Watched, work
from labeler.jobs.rounds import work_once
from labeler.projects import project as projects
from tests.support.machine import ROOT, environment
from tests.support.samples import reviews
from tests.support.warm_processes import stuck_at


@pytest.fixture
def trained(project):
    """A project of sixty texts after a round, whose first item is asked about."""
    with project.store() as store:
        store.items.add(
            [
                NewItem(f"{i:032x}", f"row {i}", text=text, split="pool", label=label if i < 40 else None)
                for i, (text, label) in enumerate(reviews(60))
            ]
        )
        store.rounds.request("import")
    work_once(project)
    return project


def ask(project, item: int = 50, kind: str = "saw"):
    with project.store() as store:
        return store.explanations.get_or_request(f"{item:032x}", store.rounds.models()[-1][0], kind)


def test_what_the_model_saw_and_what_hiding_parts_does_are_found_and_kept(trained):
    keeps = Explainer()
    for kind in ("saw", "local"):
        assert ask(trained, kind=kind).state == "queued"
        assert keeps.explain_next(trained)
        assert not keeps.explain_next(trained)
        result = ask(trained, kind=kind).result
        first = result["classes"][0]
        assert first["name"] == "good"  # a film that is warm or funny
        assert first["probability"] > 0.5
        assert len(first["weights"]) == len(result["spans"])
        assert max(abs(weight) for shown in result["classes"] for weight in shown["weights"]) == 1
    assert 0 < result["fit"][0] <= 1


def test_the_last_model_stays_loaded_and_explanations_go_with_their_models(trained, monkeypatch):
    loads, load = [], explanations.load

    def counted(*args):
        loads.append(args)
        return load(*args)

    monkeypatch.setattr(explanations, "load", counted)
    keeps = Explainer()
    for item in (50, 51):
        ask(trained, item)
        keeps.explain_next(trained)
    assert len(loads) == 1
    with trained.store() as store:
        (gone, _), *_ = store.rounds.models()
        store.rounds.request("again")
    work_once(trained)
    (trained.folder / gone).unlink()
    ask(trained)
    keeps.explain_next(trained)
    assert len(loads) == 2
    with trained.store() as store:
        assert (
            store.explanations.get_or_request(f"{50:032x}", gone, "saw").state == "queued"
        )  # forgotten, so asked for anew
    keeps.explain_next(trained)
    with trained.store() as store:
        assert "not kept any more" in store.explanations.get_or_request(f"{50:032x}", gone, "saw").error


def test_a_model_of_another_backbone_is_not_asked(trained):
    ask(trained)
    with trained.store() as store:  # so many more texts that the n-grams are fitted anew
        store.items.add([NewItem(f"{i:032x}", "row", text=f"another text {i}", split="pool") for i in range(100, 240)])
    assert Explainer().explain_next(trained)
    assert "wait for a new round" in ask(trained).error


def test_what_goes_wrong_is_told_and_the_next_one_is_explained(trained, monkeypatch):
    from labeler.explain import attribution

    def broken(*_: object) -> None:
        raise RuntimeError("out of order")

    monkeypatch.setattr(attribution, "explain", broken)
    ask(trained)
    keeps = Explainer()
    assert keeps.explain_next(trained)
    assert "Unexpected RuntimeError: out of order" in ask(trained).error
    monkeypatch.undo()
    ask(trained, 51)
    assert keeps.explain_next(trained)
    assert ask(trained, 51).state == "done"


def test_projects_are_watched_through_open_connections(trained, own_home):
    watched = Watched()
    assert not watched.waiting(trained.folder)
    ask(trained)
    assert watched.waiting(trained.folder)
    trained.folder.rename(own_home.parent / "moved")  # another project takes its place
    projects.create(trained.folder, trained.config)
    assert not watched.waiting(trained.folder)


@pytest.mark.parametrize(
    ("file", "content"), [("project.toml", b"name ="), ("labels.sqlite", b"This is no database. " * 400)]
)
def test_one_broken_project_stops_no_other(trained, own_home, monkeypatch, file, content):
    monkeypatch.setattr(os, "nice", lambda by: by)  # of the process that runs the tests
    broken = projects.create(own_home / "a-broken", replace(trained.config, learner=LearnerConfig()))
    (broken.folder / file).write_bytes(content)
    ask(trained)
    turns = iter([False, True])
    work(own_home, poll_seconds=0, should_stop=lambda: next(turns))
    assert ask(trained).state == "done"


def test_an_explainer_that_is_killed_loses_nothing(trained, own_home):
    ask(trained)
    with stuck_at("labeler.jobs.explanations.load", work, own_home):
        assert ask(trained).state == "running"
        assert not Explainer().explain_next(trained)  # it holds the lock
    assert Explainer().explain_next(trained)
    assert ask(trained).state == "done"


@pytest.mark.slow
def test_waiting_for_requests_loads_no_torch(own_home):
    code = (
        "import sys; from pathlib import Path; from labeler.jobs.explanations import work; turns = iter([False, True]);"
        "work(Path(sys.argv[1]), 0, lambda: next(turns)); print('torch' in sys.modules, 'sklearn' in sys.modules)"
    )
    process = subprocess.run(
        [sys.executable, "-c", code, str(own_home)],
        env=environment(own_home), cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert process.stdout == "False False\n"
