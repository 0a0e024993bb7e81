"""`labeler audit`: the log as text, CSV and JSON Lines, and its check."""

import json

import pytest
from click.testing import CliRunner, Result

from labeler.cli import main
from labeler.projects.project import Project


@pytest.fixture
def logged(project: Project) -> Project:
    """A project whose log has three rows."""
    with project.store() as store:
        store.stops.stop("kim", "enough")
        store.stops.lift("lee")
    return project


def audit(verb: str, project: Project, *options: str) -> Result:
    return CliRunner().invoke(main, ["audit", verb, str(project.folder), *options])


def test_the_log_is_printed_with_who_and_how(logged: Project):
    lines = audit("show", logged).stdout.splitlines()
    assert "kim (python)  labeling stopped: reason enough" in lines[1]
    assert [line.partition("  ")[0] for line in audit("show", logged, "--by", "lee").stdout.splitlines()] == ["3"]


def test_a_command_is_recorded_as_one(logged: Project):
    CliRunner().invoke(main, ["rename", str(logged.folder), "Letters"])
    (row,) = map(json.loads, audit("show", logged, "--jsonl", "--action", "settings changed").stdout.splitlines())
    assert (row["how"], row["after"]) == ("command", {"name": "Letters"})


def test_the_log_as_csv_has_a_row_a_line(logged: Project):
    lines = audit("show", logged, "--csv").stdout.splitlines()
    assert lines[0] == "id,at,action,by,how,address,what,before,after,hash"
    assert len(lines) == 4


def test_a_log_that_holds_says_its_head(logged: Project):
    with logged.store() as store:
        head = store.audit.head()
    result = audit("verify", logged, "--head", head)
    assert (result.exit_code, head in result.stdout) == (0, True)


def test_a_log_that_was_changed_ends_with_exit_code_1_and_names_the_row(logged: Project):
    with logged.store() as store:
        store.db.execute("DROP TRIGGER audit_log_keep_values")
        store.db.execute("UPDATE audit_log SET by = 'ann' WHERE id = 2")
        store.db.connection.commit()
    result = audit("verify", logged)
    assert (result.exit_code, result.stderr.startswith("Row 2 is not as it was written")) == (1, True)


def test_a_head_that_is_not_there_ends_with_exit_code_1(logged: Project):
    result = audit("verify", logged, "--head", "abc")
    assert (result.exit_code, "its end was cut off" in result.stderr) == (1, True)
