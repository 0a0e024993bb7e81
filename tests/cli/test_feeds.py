"""`labeler feeds`: a feed is added, pulled, listed, changed, paused and removed."""

import os
import time

from click.testing import CliRunner

from labeler.cli import main
from labeler.feeds import folder as folders
from labeler.projects import project as projects


def run(project, command: str, *arguments: str) -> str:
    result = CliRunner().invoke(main, ["feeds", command, str(project.folder), *arguments])
    assert result.exit_code == 0, result.output
    return result.output


def test_a_feed_is_added_pulled_paused_and_removed(project, tmp_path, monkeypatch):
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    (inbox / "a.csv").write_text("text\none\ntwo\n", encoding="utf-8")
    os.utime(inbox / "a.csv", (time.time() - 60, time.time() - 60))
    monkeypatch.setenv(folders.VARIABLE, str(inbox))
    run(project, "add", "mail", "folder", str(inbox), "--every", "5")
    assert "every 5 min  not looked at yet" in run(project, "list")
    assert run(project, "pull").startswith("mail  2 items, the latest 2 at ")
    run(project, "pause", "mail")
    assert "paused  2 items" in run(project, "list")
    run(project, "resume", "mail")
    run(project, "change", "mail", "--every", "7")
    assert "every 7 min  2 items" in run(project, "list")
    assert run(project, "looks", "mail").endswith("  2 items, 0 refused\n")
    run(project, "remove", "mail")
    assert projects.open_project(project.folder).config.feeds == {}
