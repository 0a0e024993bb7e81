"""Erasure in a whole project: its files forget as well, and rounds, curve and export go on."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from filelock import FileLock

from labeler.cli import main
from labeler.core.errors import LabelerError
from labeler.core.items import NewItem
from labeler.cycle import neighbours
from labeler.jobs.rounds import work_once
from labeler.measure.forecasts import remeasured
from labeler.models import cards
from labeler.models.erasure import erase_items, erase_person
from labeler.progress.history import course
from labeler.projects import project as projects
from labeler.projects.exporter import Export, export_labels
from labeler.projects.project import Project
from tests.support.fill import answer
from tests.support.samples import reviews


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, empty_project: Project) -> Project:
    """A project with two rounds; the second was trained on eight labels by kim."""
    shutil.copytree(empty_project.folder, folder := tmp_path_factory.mktemp("trained") / "reviews")
    project = Project(folder, empty_project.config)
    project = project.save(replace(project.config, team=replace(project.config.team, leads=("kim", "lee"))))
    with project.store() as store:
        for i, (text, label) in enumerate(reviews(80)):
            known = label if i < 20 else None
            store.items.add([NewItem(f"{i:032x}", f"row {i}", text, split="holdout" if known else "pool", label=known)])
        store.rounds.request("import")
    assert work_once(project)
    answer(project, 8)
    assert work_once(project)
    return project


@pytest.fixture
def project(trained: Project, own_home: Path) -> Project:
    shutil.copytree(trained.folder, own_home / "reviews")
    return projects.open_project(own_home / "reviews")


def bytes_below(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


def test_figures_stay_and_rounds_go_on_without_an_erased_item(project: Project, tmp_path: Path):
    with project.store() as store:
        labeled = [i for i in store.items.labels() if store.items.get(i).split == "pool"]
        before, curve = remeasured(store, anew=True), course(store)
        erased = [1, labeled[0], max(i.id for i in store.items.all())]
        texts = [store.items.get(i).text.encode() for i in erased]
    assert erase_items(project, erased).items == 3
    assert [text for text in texts if text in bytes_below(project.folder)] == []
    with project.store() as store:
        assert remeasured(store, anew=True) == before
        assert course(store).equals(curve)
        store.rounds.request("erased")
    assert work_once(project)
    with project.store() as store:
        assert [r.metrics.n for r in store.rounds.all()[1:]] == [20, 19]
        assert store.rounds.latest_job().error is None
        assert not {r.item.id for r in store.desk.reserve("ann", "t", 60)} & {*erased}
    assert export_labels(project, tmp_path / "items.csv", Export("items")) == 80


def test_the_cache_of_features_and_the_cards_forget_an_item(project: Project):
    with project.store() as store:
        item = next(i for i in store.items.all() if i.split == "pool" and i.id in store.items.labels())
    assert item.content_hash.encode() in bytes_below(project.folder)
    groups = next(path for path in project.embeddings.iterdir() if path.is_dir()) / neighbours.FILE
    groups.write_bytes(b"centroids of features")
    erase_items(project, [item.id])
    assert not groups.exists()
    assert item.content_hash.encode() not in bytes_below(project.folder)
    assert cards.load(project.models / "round-0002.safetensors").items == 80


def test_a_name_is_in_no_file_of_the_project_any_more(project: Project):
    assert b'"kim"' in bytes_below(project.folder)
    opaque = erase_person(project, "kim", notes=True).name
    left = bytes_below(project.folder)
    assert b'"kim"' not in left
    project = projects.open_project(project.folder)
    assert project.config.team.leads == ("lee",)
    with project.store() as store:
        assert store.items.labels_by(opaque) == 8
        assert store.audit.verify().holds
        store.rounds.request("erased")
    assert work_once(project)


def test_the_only_lead_and_nobody_are_refused(project: Project):
    with pytest.raises(LabelerError, match="Nobody named 'ann'"):
        erase_person(project, "ann", notes=False)
    with pytest.raises(LabelerError, match="Nobody named 'import'"):
        erase_person(project, "import", notes=False)
    project = project.save(replace(project.config, team=replace(project.config.team, leads=("kim",))))
    with pytest.raises(LabelerError, match="the project's only lead"):
        erase_person(project, "kim", notes=False)


def test_nothing_is_erased_under_a_running_round(project: Project, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("labeler.projects.shelf.WAIT", 0)
    with FileLock(project.folder / "worker.lock"), pytest.raises(LabelerError, match="is running"):
        erase_items(project, [1])


def test_an_image_goes_with_the_pictures_drawn_of_it(project: Project):
    media, picture = project.media / "ab" / ("ab" * 16 + ".png"), project.renditions / "ab" / ("3-" + "ab" * 16 + "-x")
    for path in (media, picture, project.exports / "predictions.npz", project.embeddings / "map.npz"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    with project.store() as store:
        store.items.add([NewItem("ab" * 16, "scan", media=f"media/ab/{media.name}", split="pool")])
        number = store.items.id_of("ab" * 16)
    erase_items(project, [number])
    assert [path.name for path in (media, picture) if path.exists()] == []
    assert not (project.exports / "predictions.npz").exists()


def test_commands_say_what_stays_and_ask_first(project: Project):
    run = CliRunner().invoke
    refused = run(main, ["erase", "person", str(project.folder), "kim"], input="n\n")
    assert (refused.exit_code, "8 answers and 0 decisions stay" in refused.output) == (1, True)
    done = run(main, ["erase", "person", str(project.folder), "kim", "--notes", "--yes"])
    assert "In its place stands erased-" in done.output
    assert "Backups, files that were taken out" in done.output
    assert (
        "2 items have no content any more"
        in run(main, ["erase", "item", str(project.folder), "1", "2", "--yes"]).output
    )
    log = run(main, ["audit", "show", str(project.folder), "--jsonl"]).output.splitlines()
    assert [json.loads(line)["action"] for line in log][-2:] == ["person erased", "items erased"]
