"""Groups of an import, such as patients: wholly on one side, also when more items come, and told where they are not."""

import pandas as pd
import pytest

from labeler.core.errors import SourceError
from labeler.files.sources import SourceColumns
from labeler.projects import project as projects
from labeler.projects.importer import import_source, undo_import
from labeler.report.sentences.groups import of_import

BY_PATIENT = SourceColumns(group="patient")


def visits(path, patients=range(30), visits=range(5), **more):
    rows = [{"text": f"patient {p}, visit {v}", "patient": f"p{p}"} | more for p in patients for v in visits]
    pd.DataFrame(rows).to_csv(path, index=False)
    return path


def sides(project) -> dict[str | None, set[str]]:
    """The splits in which each group's items are."""
    with project.store() as store:
        of_group: dict[str | None, set[str]] = {}
        for item in store.items.all():
            of_group.setdefault(item.group, set()).add(item.split)
    return of_group


@pytest.fixture
def grouped(project, tmp_path):
    """30 patients with five visits each."""
    import_source(project, visits(tmp_path / "visits.csv"), BY_PATIENT)
    return projects.open_project(project.folder)


def test_a_patient_is_on_one_side_and_the_share_is_near_what_was_asked(project, tmp_path):
    report = import_source(project, visits(tmp_path / "visits.csv"), BY_PATIENT)
    assert all(len(splits) == 1 for splits in sides(project).values())
    counts = report.groups
    assert (counts.items, counts.groups, counts.straddling) == (150, 30, 0)
    assert (counts.holdout_items, counts.holdout_groups) == (25, 5)  # asked for: 22
    assert of_import(report)[0] == ("The holdout has 25 of 150 items: all items of 5 of 30 groups (column patient).")


def test_more_items_of_a_known_patient_go_where_the_patient_is_and_new_patients_to_the_pool(grouped, tmp_path):
    before = sides(grouped)
    import_source(grouped, visits(tmp_path / "later.csv", patients=range(40), visits=range(5, 7)))
    after = sides(grouped)
    assert {patient: after[patient] for patient in before} == before
    assert all(after[f"p{i}"] == {"pool"} for i in range(30, 40))


def test_the_first_column_of_groups_is_the_projects_and_later_tables_must_have_it(grouped, tmp_path):
    assert grouped.config.evaluation.group_column == "patient"
    nobody = tmp_path / "nobody.csv"
    pd.DataFrame({"text": ["who is it"]}).to_csv(nobody, index=False)
    with pytest.raises(SourceError, match=r"no column 'patient'.*evaluation.group_column"):
        import_source(grouped, nobody)


def test_importing_again_after_an_undo_draws_the_same_patients(grouped, tmp_path):
    before = sides(grouped)
    with grouped.store() as store:
        [record] = store.imports.all()
    undo_import(grouped, record.id, "lead")
    import_source(grouped, tmp_path / "visits.csv")
    assert sides(grouped) == before


def test_groups_that_come_after_the_draw_are_told_where_they_are_on_both_sides(project, tmp_path):
    table = visits(tmp_path / "visits.csv")
    import_source(project, table)
    report = import_source(project, table, BY_PATIENT)
    on_both = sum(len(splits) == 2 for splits in sides(project).values())
    assert report.groups.straddling == on_both > 10
    assert f"{on_both} groups have items in the pool and in the holdout" in " ".join(of_import(report))


def test_a_split_column_that_tears_a_group_is_refused(project, tmp_path):
    table = tmp_path / "torn.csv"
    rows = [("a", "p1", "test"), ("b", "p2", "train"), ("c", "p1", "train")]
    pd.DataFrame(rows, columns=["text", "patient", "split"]).to_csv(table, index=False)
    with pytest.raises(SourceError, match=r"torn.csv row 4 puts the group 'p1' in the pool, but it is in the holdout"):
        import_source(project, table, SourceColumns(group="patient", split="split"))
    with project.store() as store:
        assert store.items.all() == []


def test_the_same_content_under_two_patients_is_told(grouped, tmp_path):
    with grouped.store() as store:
        holdout, pool = ({i.group for i in store.items.all() if i.split == split} for split in ("holdout", "pool"))
    held, other = min(holdout), min(pool)
    table = tmp_path / "again.csv"
    rows = [(f"patient {held[1:]}, visit 0", other), ("new", other), ("new", max(pool))]
    pd.DataFrame(rows, columns=["text", "patient"]).to_csv(table, index=False)
    report = import_source(grouped, table)
    assert (report.in_two_groups, report.across, report.added) == (2, 1, 1)
    assert "2 rows have the content of items in other groups" in of_import(report)[-1]


def test_the_folders_of_images_can_be_groups(tmp_path):
    from PIL import Image

    from labeler.core.settings import Config

    for patient in range(8):
        for scan in range(3):
            path = tmp_path / "scans" / f"p{patient}" / f"{scan}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.new("L", (8, 8), 10 * patient + scan).save(path)
    project = projects.create(tmp_path / "images", Config("Scans", ("good", "bad")))
    with pytest.raises(SourceError, match="name 'folder' for groups by its folders"):
        import_source(project, tmp_path / "scans", BY_PATIENT)
    report = import_source(project, tmp_path / "scans", SourceColumns(group="folder"))
    assert (report.groups.groups, report.groups.column) == (8, "folder")
    assert set(sides(project)) == {f"p{i}" for i in range(8)}
