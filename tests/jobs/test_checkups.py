"""`labeler check`: what is broken is set aside, taken from a backup or computed anew, and said with what it costs."""

import json

import numpy as np
import pytest
from PIL import Image

from labeler.cli import main
from labeler.core.items import Answer
from labeler.core.settings import Config
from labeler.jobs.checkups import Checkup, check, check_project
from labeler.projects import backups
from labeler.projects import project as projects
from labeler.projects.backing_up import back_up
from labeler.projects.importer import import_source
from labeler.projects.project import Project
from tests.support.fill import add


@pytest.fixture
def pictures(tmp_path) -> Project:
    """A project of four images."""
    for number in range(4):
        path = tmp_path / "pictures" / ("dark", "light")[number % 2] / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((8, 8, 3), 60 * number, np.uint8)).save(path)
    project = projects.create(tmp_path / "home" / "pictures", Config("Pictures", ("dark", "light"), "image"))
    import_source(project, tmp_path / "pictures")
    return project


def the_first_image(project: Project) -> str:
    with project.store() as store:
        return str(store.items.all()[0].media)


def costs(checkup: Checkup) -> list[str]:
    return [finding.costs for finding in checkup.findings]


def test_a_whole_project_has_no_findings(pictures):
    checkup = check_project(pictures.folder)
    assert checkup.findings == []
    assert (checkup.is_well, checkup.looked_at["images"]) == (True, 4)


def test_an_image_that_cannot_be_read_is_set_aside_and_said(pictures):
    name = the_first_image(pictures)
    (pictures.folder / name).write_bytes(b"")
    checkup = check_project(pictures.folder)
    assert costs(checkup) == ["its item is not asked, and not used in rounds; its answers stay"]
    assert str(pictures.folder / name) in checkup.findings[0].todo
    with pictures.store() as store:
        assert [item.media for item in store.set_aside.all()] == [name]


def test_an_image_that_a_backup_has_is_taken_from_there(pictures):
    name = the_first_image(pictures)
    made = back_up(pictures.folder)
    content = (pictures.folder / name).read_bytes()
    (pictures.folder / name).unlink()
    (pictures.folder / name).write_bytes(b"broken")
    checkup = check_project(pictures.folder)
    assert costs(checkup) == [f"nothing: it was taken from {made.folder.name}"]
    assert checkup.is_well
    assert (pictures.folder / name).read_bytes() == content
    assert (pictures.folder / "broken" / name).read_bytes() == b"broken"
    with pictures.store() as store:
        assert store.set_aside.all() == []


def test_a_link_that_is_as_broken_as_the_image_is_not_taken(pictures):
    name = the_first_image(pictures)
    back_up(pictures.folder)
    (pictures.folder / name).write_bytes(b"both names of this file")
    assert not check_project(pictures.folder).is_well


def test_broken_models_and_features_are_set_aside(pictures):
    model = pictures.models / "round-0001.safetensors"
    rows = pictures.embeddings / "key" / "00000.f16"
    for path in (model, rows):
        path.parent.mkdir(parents=True)
    model.write_bytes(b"no tensors")
    np.full(8, np.nan, np.float16).tofile(rows)
    rows.with_suffix(".keys").write_text("a\nb\n")
    checkup = check_project(pictures.folder)
    assert costs(checkup) == [
        "predictions by this round's model alone; its figures stay",
        "time: the next round computes these features anew",
    ]
    assert checkup.is_well
    for path in (model, rows):
        assert not path.exists()
        assert (pictures.folder / "broken" / path.relative_to(pictures.folder)).exists()


def test_an_index_is_computed_anew(project: Project):
    with project.store() as store:
        add(store, 50)
        store.db.execute("PRAGMA writable_schema = ON")
        with store.write():  # the index is said to be of another column: its rows are not the table's any more
            store.db.execute(
                "UPDATE sqlite_schema SET sql = replace(sql, 's, split', 's, source') WHERE name = 'items_open'"
            )
    checkup = check_project(project.folder)
    assert costs(checkup) == ["nothing: it was computed anew"]
    assert check_project(project.folder).findings == []


def test_a_damaged_database_is_said_with_the_answers_that_are_left_and_the_last_backup(project: Project):
    with project.store() as store:
        add(store, 400)
        store.answers.add("kim", [Answer("r1", 1, "label", "good")])
    made = back_up(project.folder.parent)
    content = project.database.read_bytes()
    begin = content.index(b"row 399") // 4096 * 4096
    project.database.write_bytes(content[:begin] + b"\xa5" * 4096 + content[begin + 4096 :])
    (finding,) = check(project.folder.parent)[project.folder.resolve()].findings
    assert "of the answers 1 can be read" in finding.costs
    assert f"labeler restore {made.folder} {project.folder} --project {project.slug}" in finding.todo
    assert '"request_id": "r1"' in (project.folder / "broken" / "answers.jsonl").read_text()


def test_answers_of_a_damaged_database_are_put_back_into_the_last_backup(project: Project, tmp_path, capsys):
    note = "n" * 300  # so that the answers take several pages

    def answer(store, *items: int) -> None:
        store.answers.add("kim", [Answer(f"r{n}", n, "label", "good", note=f"{n} {note}") for n in items])

    with project.store() as store:
        add(store, 60)
        answer(store, *range(1, 31))
    made = back_up(project.folder)
    with project.store() as store:
        answer(store, *range(31, 61))
    content = project.database.read_bytes()
    begin = content.index(b"45 nnn") // 4096 * 4096
    project.database.write_bytes(content[:begin] + b"\xa5" * 4096 + content[begin + 4096 :])
    assert not check_project(project.folder).is_well
    rescued = project.folder / "broken" / "answers.jsonl"
    read = [json.loads(line)["item_id"] for line in rescued.read_text().splitlines() if "item_id" in line]
    assert {1, 30, 31, 60} < set(read) < set(range(1, 61))  # what lies around the damaged page is there

    (restored,) = backups.restore(backups.read(made.folder), tmp_path / "restored")
    with projects.open_project(restored).store() as store:
        store.answers.add("kim", [Answer("new", 60, "label", "bad")])
    for counts in (f"{len(read) - 31} put back, 30 there already", f"0 put back, {len(read) - 1} there already"):
        with pytest.raises(SystemExit) as ended:
            main(["restore-answers", str(restored), str(rescued)])
        out = capsys.readouterr().out
        assert (ended.value.code, f"answers: {counts}\nNot put back: 1." in out) == (1, True)
        assert "kim has answered this item since" in out
    with projects.open_project(restored).store() as store:
        assert store.items.labels() == {n: "bad" if n == 60 else "good" for n in sorted(read)}


def test_a_missing_database_is_no_new_project(project: Project):
    project.store().close()
    project.database.unlink()
    (finding,) = check_project(project.folder).findings
    assert (finding.what, finding.costs) == ("labels.sqlite is missing or empty", "all labels")
    assert not project.database.exists()


def test_the_commands_back_up_check_and_restore(project: Project, tmp_path, capsys):
    with project.store() as store:
        add(store, 3)

    def run(*words: object) -> tuple[int, str]:
        with pytest.raises(SystemExit) as ended:
            main([str(word) for word in words])
        return int(ended.value.code or 0), capsys.readouterr().out

    code, told = run("backup", project.folder.parent, "--to", tmp_path / "disk")
    assert (code, "verified in" in told) == (0, True)
    (made,) = backups.every(tmp_path / "disk")
    assert run("restore", made.folder, tmp_path / "new")[0] == 0
    assert run("restore", made.folder, tmp_path / "new")[0] == 2  # into a folder that is there
    code, told = run("check", tmp_path / "new")
    assert (code, "problems 0" in told) == (0, True)
    with projects.open_project(tmp_path / "new" / project.slug).store() as store:
        assert store.items.counts().pool == 3
