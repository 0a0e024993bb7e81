"""What the labeler writes, no other user of the machine reads; homes of older versions are mended."""

import errno
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from labeler.cli import main
from labeler.jobs import supervisor
from labeler.projects.private_files import close_to_others
from labeler.projects.project import Project

pytestmark = pytest.mark.skipif(os.name != "posix", reason="rights of files are another thing there")


@pytest.fixture(autouse=True)
def usual_umask() -> Iterator[None]:
    """The usual setting of a machine: everybody reads new files."""
    before = os.umask(0o022)
    yield
    os.umask(before)


def rights(home: Path) -> set[tuple[str, int]]:
    return {(path.name, path.stat().st_mode & 0o777) for path in [home, *home.rglob("*")]}


def test_what_commands_write_is_for_its_owner_alone(tmp_path: Path):
    folder = tmp_path / "films"
    table = tmp_path / "films.csv"
    table.write_text("text\nfine\nawful\n")
    for arguments in (["init", folder, "--classes", "a, b", "--modality", "text"], ["import", folder, table]):
        assert CliRunner().invoke(main, [*map(str, arguments)]).exit_code == 0
    assert CliRunner().invoke(main, ["export", str(folder), str(folder / "out.csv")]).exit_code == 0
    assert rights(folder) >= {("films", 0o700), ("project.toml", 0o600), ("labels.sqlite", 0o600), ("out.csv", 0o600)}
    assert {name for name, mode in rights(folder) if mode & 0o077} == set()


def test_the_servers_database_files_beside_the_database_are_closed_too(project: Project):
    close_to_others(project.folder.parent)
    with project.store() as store:
        store.stops.stop("kim")
        assert {path.stat().st_mode & 0o077 for path in project.folder.glob("labels.sqlite*")} == {0}


def test_a_home_of_an_older_version_is_mended_once(project: Project, tmp_path: Path):
    home = project.folder.parent
    outside = tmp_path / "outside.txt"
    outside.touch()
    (project.folder / "media").mkdir()
    (project.folder / "media" / "scan.png").touch()
    (project.folder / "media" / "link").symlink_to(outside)
    (home / ".secret").touch()
    (home / "notes of somebody").mkdir()
    closed, still_open = close_to_others(home)
    assert closed >= 6
    assert still_open == 0
    assert {name for name, mode in rights(home) if mode & 0o077} == {"notes of somebody", "link"}
    assert outside.stat().st_mode & 0o777 == 0o644
    assert close_to_others(home) == (0, 0)


def test_a_server_says_that_it_mended_a_home(project: Project, capsys: pytest.CaptureFixture[str]):
    supervisor._close_to_others(project.folder.parent)
    assert "were open to others on this machine" in capsys.readouterr().out
    supervisor._close_to_others(project.folder.parent)
    assert capsys.readouterr().out == ""


def test_a_project_on_a_read_only_disk_keeps_no_server_from_starting(project: Project, monkeypatch: pytest.MonkeyPatch):
    def refuse(path: Path, mode: int) -> None:
        raise OSError(errno.EROFS, "Read-only file system", str(path))

    (project.folder / "project.toml").chmod(0o644)
    monkeypatch.setattr(Path, "chmod", refuse)
    closed, still_open = close_to_others(project.folder.parent)
    assert closed == 0
    assert still_open > 0
