"""Project folders: made once, found by name, never written over."""

import shutil
from dataclasses import replace

import pytest

from labeler.core.errors import ConfigError, ProjectError
from labeler.projects import project as projects
from tests.support.samples import text_config


def test_a_project_is_made_and_opened(tmp_path):
    created = projects.create(tmp_path / "p", text_config())
    assert projects.open_project(created.folder) == created
    assert created.database.exists()


def test_an_existing_project_is_not_overwritten(tmp_path):
    projects.create(tmp_path / "p", text_config())
    with pytest.raises(ProjectError, match="already a project"):
        projects.create(tmp_path / "p", text_config())
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.doc").write_text("mine")
    with pytest.raises(ProjectError, match="not an empty folder"):
        projects.create(tmp_path / "full", text_config())


def test_a_folder_that_is_no_project_is_refused(tmp_path):
    with pytest.raises(ProjectError, match=r"no project\.toml"):
        projects.open_project(tmp_path)


def test_a_home_lists_its_projects_and_a_project_is_its_own_home(tmp_path):
    for name in ("b", "a"):
        projects.create(tmp_path / name, text_config())
    (tmp_path / "other").mkdir()
    assert [p.name for p in projects.in_home(tmp_path)] == ["a", "b"]
    assert projects.in_home(tmp_path / "a") == [tmp_path / "a"]
    assert projects.in_home(tmp_path / "missing") == []


def test_a_request_finds_a_project_by_its_uid_and_nothing_else(tmp_path):
    (tmp_path / "home").mkdir()
    created = projects.create(tmp_path / "home" / "a", text_config())
    elsewhere = projects.create(tmp_path / "home" / "sub" / "b", text_config())
    served = projects.serve_project(tmp_path / "home", created.uid)
    assert (served.folder, served.config) == (created.folder, created.config)
    assert projects.serve_project(created.folder, created.uid).folder == created.folder
    for uid in ("..", ".", "", "a", "sub/b", "a\0", elsewhere.uid):
        with pytest.raises(ProjectError, match="not here any more"):
            projects.serve_project(tmp_path / "home", uid)


def test_a_project_is_found_where_it_was_moved_and_nothing_takes_its_place(tmp_path):
    created = projects.create(tmp_path / "a", text_config())
    uid = created.uid
    assert projects.serve_project(tmp_path, uid).folder == tmp_path / "a"
    (tmp_path / "a").rename(tmp_path / "b")
    again = projects.create(tmp_path / "a", text_config())
    assert again.uid != uid
    assert projects.serve_project(tmp_path, uid).folder == tmp_path / "b"
    (tmp_path / "b").rename(tmp_path.parent / f"{tmp_path.name}-elsewhere")
    with pytest.raises(ProjectError, match="not here any more"):
        projects.serve_project(tmp_path, uid)


def test_a_copy_of_a_projects_folder_is_a_project_of_its_own(tmp_path):
    created = projects.create(tmp_path / "a", text_config())
    uid = projects.uid_in(tmp_path, created)
    shutil.copytree(created.folder, tmp_path / "b")
    copy = projects.open_project(tmp_path / "b")
    assert projects.uid_in(tmp_path, copy) == projects.open_project(copy.folder).uid
    assert (projects.uid_in(tmp_path, created), projects.open_project(copy.folder).uid != uid) == (uid, True)


def test_settings_that_changed_on_disk_are_read_again(project):
    assert projects.open_project(project.folder).config is projects.open_project(project.folder).config
    project.save(text_config(budget=77))
    assert projects.open_project(project.folder).config.budget == 77
    path = project.folder / "project.toml"
    path.write_text(path.read_text().replace("budget = 77", "budget = 7"))
    assert projects.open_project(project.folder).config.budget == 7
    path.write_text("classes = 3")
    for _ in range(2):
        with pytest.raises(ConfigError):
            projects.open_project(project.folder)


def test_wrong_settings_are_never_saved(project):
    before = (project.folder / "project.toml").read_text()
    with pytest.raises(ConfigError):
        project.save(text_config(budget=0))
    assert (project.folder / "project.toml").read_text() == before


def test_comments_and_order_of_the_settings_survive_a_save(project):
    path = project.folder / "project.toml"
    path.write_text('# Ask Kim first.\nbudget = 77  # until spring\nclasses = ["good", "bad"]\nname = "x"\n')
    opened = projects.open_project(project.folder)
    opened.save(replace(opened.config, budget=78))
    assert path.read_text() == (
        '# Ask Kim first.\nbudget = 78  # until spring\nclasses = ["good", "bad"]\nname = "x"\n'
    )
    assert projects.open_project(project.folder).config.budget == 78


@pytest.mark.parametrize(
    ("name", "slug"), [("Brain MRI!", "brain-mri"), ("고객 불만", "고객-불만"), ("../..", "project")]
)
def test_a_name_becomes_a_folder_name(name, slug):
    assert projects.slug(name) == slug
