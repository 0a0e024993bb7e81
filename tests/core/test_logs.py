"""Logs as JSON and the file of problems: they name places and ids, never what people imported, wrote or are called."""

import json
import logging

import pytest

from labeler.core.errors import SourceError
from labeler.core.logs import ErrorFile, JsonLines, logged_about, recent_problems

SECRET = "kim-minji.png"


def line(*arguments, **keywords) -> dict:
    """The JSON of one call of a logger."""
    lines: list[str] = []

    class Kept(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(JsonLines("app").format(record))

    logger = logging.Logger("labeler.test")
    logger.addHandler(Kept())
    logger.error(*arguments, **keywords)
    return json.loads(lines[0])


def test_values_of_a_message_are_left_out_except_numbers():
    values = line("%s: round %d failed: %s", SECRET, 7, ValueError(SECRET))
    assert values["event"] == "…: round 7 failed: …"
    assert values["kind"] == "ValueError"
    assert SECRET not in json.dumps(values)


def test_an_error_has_its_message_without_values_and_its_place():
    try:
        raise SourceError("{file} cannot be read.", file=SECRET)
    except SourceError as error:
        values = line("reading failed", exc_info=error)
    assert values["message"] == "… cannot be read."
    assert values["where"].startswith("tests/core/test_logs.py:")
    assert SECRET not in json.dumps(values)


def test_a_line_carries_the_ids_of_its_request_and_job():
    with logged_about(request="r1"), logged_about(job="round 3"):
        assert {"request": "r1", "job": "round 3"}.items() <= line("stored").items()
    assert "request" not in line("stored")


@pytest.fixture
def logger(tmp_path):
    logger = logging.Logger("labeler.test")
    logger.addHandler(ErrorFile(tmp_path, "worker"))
    return logger


def test_problems_of_a_home_are_listed_the_latest_first(logger, tmp_path):
    logger.info("all is well")
    logger.warning("slow")
    logger.error("%s: broken", SECRET)
    assert [(p.event, p.level, p.process) for p in recent_problems(tmp_path, 10)] == [
        ("…: broken", "error", "worker"),
        ("slow", "warning", "worker"),
    ]
    assert [problem.event for problem in recent_problems(tmp_path, 1)] == ["…: broken"]


def test_the_file_of_problems_stays_small(logger, tmp_path, monkeypatch):
    monkeypatch.setattr("labeler.core.logs.MOST_BYTES", 500)
    for _ in range(40):
        logger.error("again")
    assert sum(path.stat().st_size for path in (tmp_path / ".running").iterdir()) < 1500
    assert {problem.event for problem in recent_problems(tmp_path, 100)} == {"again"}


def test_a_line_that_was_cut_off_is_passed_over(logger, tmp_path):
    logger.error("whole")
    with (tmp_path / ".running" / "errors.jsonl").open("a") as file:
        file.write('{"at": "2026')
    assert [problem.event for problem in recent_problems(tmp_path, 10)] == ["whole"]
