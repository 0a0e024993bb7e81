"""Project folders: made once, found by name, never written over."""

import pytest
from samples import text_config

from labeler import project as projects
from labeler.errors import ConfigError, ProjectError


def test_a_project_is_made_and_opened(tmp_path):
    made = projects.create(tmp_path / "p", text_config())
    assert projects.open_project(made.folder) == made
    assert made.database.exists()


def test_nothing_is_written_over(tmp_path):
    projects.create(tmp_path / "p", text_config())
    with pytest.raises(ProjectError, match="already a project"):
        projects.create(tmp_path / "p", text_config())
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.doc").write_text("mine")
    with pytest.raises(ProjectError, match="not an empty folder"):
        projects.create(tmp_path / "full", text_config())


def test_what_is_no_project_is_said_so(tmp_path):
    with pytest.raises(ProjectError, match=r"no project\.toml"):
        projects.open_project(tmp_path)


def test_a_home_lists_its_projects_and_a_project_is_its_own_home(tmp_path):
    for name in ("b", "a"):
        projects.create(tmp_path / name, text_config())
    (tmp_path / "other").mkdir()
    assert [p.name for p in projects.in_home(tmp_path)] == ["a", "b"]
    assert projects.in_home(tmp_path / "a") == [tmp_path / "a"]
    assert projects.in_home(tmp_path / "missing") == []


def test_wrong_settings_are_never_saved(project):
    before = (project.folder / "project.toml").read_text()
    with pytest.raises(ConfigError):
        project.save(text_config(budget=0))
    assert (project.folder / "project.toml").read_text() == before


@pytest.mark.parametrize(
    ("name", "slug"), [("Brain MRI!", "brain-mri"), ("고객 불만", "고객-불만"), ("../..", "project")]
)
def test_a_name_becomes_a_folder_name(name, slug):
    assert projects.slug(name) == slug
