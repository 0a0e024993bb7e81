"""The command line: a project from nothing to an export; every error one sentence and exit code 2."""

import json
import re
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner

from labeler.access.serving import Serving
from labeler.cli import main
from labeler.jobs import supervisor
from labeler.projects import project as projects
from labeler.report.sentences.comparison import verdict
from tests.support.samples import reviews
from tests.support.warm_processes import simulate_in_this_process


def labeler(*arguments, code: int = 0):
    result = CliRunner().invoke(main, [str(a) for a in arguments])
    assert result.exit_code == code, result.output
    return result


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "films.csv"
    pd.DataFrame(reviews(60), columns=["text", "label"]).to_csv(path, index=False)
    return path


@pytest.fixture
def project(tmp_path, table):
    folder = tmp_path / "films"
    labeler("init", folder, "--classes", "good, bad", "--modality", "text", "--name", "영화평")
    (folder / "project.toml").write_text(
        (folder / "project.toml").read_text().replace('backbone = "auto"', 'backbone = "char_tfidf"')
    )
    return folder


def test_every_command_has_help():
    for name, command in main.commands.items():
        assert labeler(name, "--help").output.startswith("Usage")
        assert command.help
        assert all(
            o.help for o in command.params if getattr(o, "opts", [""])[0].startswith("--") and o.name != "modality"
        )


def test_serve_takes_its_options_from_the_environment_too(tmp_path, monkeypatch):
    called = []
    monkeypatch.setattr(supervisor, "serve", lambda *arguments: called.append(arguments))
    monkeypatch.setenv("LABELER_LOG", "json")
    variables = {"HOME": str(tmp_path), "HOST_NAME": "labels.org labels.org:8443", "TRUST_PROXY": "10.0.0.2"}
    variables |= {"BASE_PATH": "/labels", "EMBEDDED_IN": "", "PROCESSES": "2", "WORKER_ELSEWHERE": "1"}
    for name, value in variables.items():
        monkeypatch.setenv(f"LABELER_{name}", value)
    labeler("serve")
    reached = Serving("127.0.0.1", ("labels.org", "labels.org:8443"), ("10.0.0.2",), "/labels")
    assert called.pop() == (tmp_path, 8501, reached, 2, True)
    labeler("serve", "projects", "--behind-proxy", "10.0.0.3", "--base-path", "/a", "--host-name", "a.org")
    assert called.pop() == (Path("projects"), 8501, Serving("127.0.0.1", ("a.org",), ("10.0.0.3",), "/a"), 2, True)


def test_an_import_is_undone(project, table):
    labeler("import", project, table)
    assert "There is no import 7." in labeler("undo-import", project, 7, code=2).output
    assert "60 items taken out" in labeler("undo-import", project, 1, "--by", "lead").output
    assert labeler("imports", project).output == "1  films.csv: 0 items, 0 of them answered, undone by lead\n"


def test_a_project_is_created_labeled_and_exported(project, table, tmp_path):
    output = labeler("import", project, table, "--label-column", "label").output
    assert "60 items added, 0 already there, 0 not imported, 60 labels. Pool 51, holdout 9." in output
    assert "0 items added, 60 already there" in labeler("import", project, table).output
    assert labeler("imports", project).output == "1  films.csv: 60 items, 0 of them answered\n"
    assert re.match(r"Round 1 on 51 labels: \d+\.\d% \(\d+\.\d% to \d+\.\d%\)\.", labeler("round", project).output)
    status = json.loads(labeler("status", project, "--json").output)
    assert (status["name"], status["labeled"], status["holdout"], status["rounds"]) == ("영화평", 51, 9, 1)
    assert status["accuracy_low"] <= status["accuracy"] <= status["accuracy_high"]
    in_words = labeler("status", project).output
    assert "95% interval" in in_words
    assert in_words.startswith("영화평: 51 of 51 pool items and 9 of 9 holdout items labeled, 1 round\n")
    for kind, read in (
        ("csv", pd.read_csv),
        ("parquet", pd.read_parquet),
        ("jsonl", lambda p: pd.read_json(p, lines=True)),
    ):
        assert "60 answers" in labeler("export", project, tmp_path / f"out.{kind}").output
        frame = read(tmp_path / f"out.{kind}")
        assert sorted(zip(frame["text"], frame["label"], strict=True)) == sorted(reviews(60))
        assert {"annotator", "round", "strategy", "score", "seconds", "answered_at"} <= set(frame.columns)


def test_the_format_can_be_named(project, tmp_path):
    labeler("export", project, tmp_path / "labels", "--format", "jsonl")
    assert (tmp_path / "labels").read_text().strip() == ""


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["status", "nowhere"], "is not a project"),
        (["import", "nowhere", "x.csv"], "is not a project"),
        (["init", "{tmp}/p", "--classes", "one"], "at least two"),
        (["init", "{tmp}/films", "--classes", "a,b"], "already a project"),
        (["import", "{tmp}/films", "nothing.csv"], "does not exist"),
        (["import", "{tmp}/films", "{tmp}/films.csv", "--text-column", "body"], "has no column 'body'"),
        (["import", "{tmp}/films", "{tmp}/films.csv", "--prior-column", "llm"], "has no column 'llm'"),
        (["simulate", "{tmp}/films.csv", "--strategy", "marginn"], "marginn"),
        (["simulate", "nothing.csv", "--strategy", "margin"], "does not exist"),
        (["worker", "nowhere"], "does not exist"),
        (["export", "{tmp}/films", "{tmp}/no/such/folder.csv"], "cannot be written"),
        (["export", "{tmp}/films", "x", "--format", "doc"], "doc"),
    ],
)
def test_an_error_is_a_sentence_and_exit_code_2(project, tmp_path, arguments, says):
    result = labeler(*(a.format(tmp=tmp_path) for a in arguments), code=2)
    assert says in result.output
    assert "Traceback" not in result.output


def test_bad_rows_are_named_and_the_rest_is_imported(project, tmp_path):
    path = tmp_path / "some.csv"
    path.write_text("text,label\nfine,good\n,good\nodd,ugly\n")
    output = labeler("import", project, path, "--label-column", "label").output
    assert "some.csv row 3: the text is empty" in output
    assert "some.csv row 4" in output
    assert "1 item added, 0 already there, 2 not imported" in output


def test_strategies_are_listed_with_their_source():
    output = labeler("strategies").output
    assert "margin  (uncertainty sampling; needs proba)" in output
    assert "Settles 2010" in output
    assert (
        "| uncertainty sampling | `least_confidence`, `margin`, `entropy` |"
        in labeler("strategies", "--markdown").output
    )


@pytest.mark.slow
def test_simulate_prints_the_table_and_writes_the_report(table, tmp_path, monkeypatch):
    simulate_in_this_process(monkeypatch)
    arguments = ["--strategy", "margin", "--seed-size", 6, "--batch", 5, "--rounds", 2, "--seeds", 2, "--processes", 1]
    output = labeler("simulate", table, *arguments, "--backbone", "char_tfidf", "--out", tmp_path / "r.json").output
    assert "films: pool 48, holdout 12, 2 classes; 6 to 16 labels, 2 seeds" in output
    report = json.loads((tmp_path / "r.json").read_text())
    assert {r["strategy"] for r in report["summary"]} == {"margin", "random"}
    figures = {"aulc_mean", "aulc_std", "gain_over_random", "gain_low", "gain_high"}
    assert set(report["summary"][0]) == {"strategy", "areas", "saved", *figures}
    assert output.rstrip().endswith(verdict(report))


@pytest.mark.slow
@pytest.mark.thorough
def test_simulate_takes_strategies_of_a_folder_and_draws_the_plot(table, tmp_path):
    own = tmp_path / "own"
    own.mkdir()
    (own / "mine.py").write_text(
        "from strategies.base import scores\n@scores(needs='proba')\ndef mine(c, rng):\n    return c.proba[:, 0]\n"
    )
    arguments = ["--seed-size", 6, "--batch", 5, "--rounds", 1, "--seeds", 1, "--processes", 1]
    arguments += ["--backbone", "char_tfidf", "--strategy", "mine", "--plugins", own]
    output = labeler("simulate", table, *arguments, "--plot", tmp_path / "p.png").output
    assert "mine" in output
    assert (tmp_path / "p.png").read_bytes().startswith(b"\x89PNG")
    # refused before the time is spent that embedding takes
    assert "p.gif is no picture" in labeler("simulate", table, *arguments, "--plot", tmp_path / "p.gif", code=2).output
    arguments[-1] = tmp_path / "nowhere"
    assert "nowhere does not exist" in labeler("simulate", table, *arguments, code=2).output


def test_an_existing_demo_project_is_kept(tmp_path):
    labeler("demo", tmp_path / "demo")
    labeler("demo", tmp_path / "demo")
    status = json.loads(labeler("status", tmp_path / "demo", "--json").output)
    assert (status["pool"], status["holdout"], status["holdout_labeled"], status["labeled"]) == (1527, 270, 270, 0)


def test_a_report_is_written_as_a_page_and_as_json(project, table, tmp_path):
    labeler("import", project, table, "--label-column", "label", "--keep-labels", "holdout")
    for name in ("report.html", "report.json"):
        assert f"The report is in {tmp_path / name}." in labeler("report", project, tmp_path / name).output
    assert "영화평" in (tmp_path / "report.html").read_text(encoding="utf-8")
    labeler("report", project, tmp_path / "보고서.html", "--language", "ko")
    assert 'lang="ko"' in (tmp_path / "보고서.html").read_text(encoding="utf-8")


def test_an_import_is_looked_at_before_left_to_the_worker_and_cancelled(project, table):
    looked_at = labeler("import", project, table, "--preview").output
    assert looked_at.startswith(f"row 1\n  text: {reviews(1)[0][0]}\n  label: good\n")
    assert labeler("imports", project).output == "Nothing has been imported.\n"
    assert "Import job 1 waits for the worker" in labeler("import", project, table, "--background").output
    assert "job 1  films.csv: queued" in labeler("imports", project).output
    assert labeler("cancel-import", project, 1).output == "Import job 1 is cancelled.\n"
    assert "has ended already" in labeler("cancel-import", project, 1).output
    assert "There is no import job 9." in labeler("cancel-import", project, 9, code=2).output


def test_predictions_of_another_model_come_with_items_and_by_themselves(project, tmp_path):
    texts = pd.DataFrame(reviews(60), columns=["text", "label"])
    path = tmp_path / "gpt.csv"
    texts.assign(predicted=texts["label"], **{"p(good)": 0.5, "p(bad)": 0.5}).to_csv(path, index=False)
    columns = ("--label-column", "label", "--model", "GPT-like")
    said = labeler("import", project, path, *columns, "--model-version", "4").output
    assert "60 items added" in said
    assert "GPT-like 4: predictions for 60 items." in said
    with projects.open_project(project).store() as store:  # they are not stored twice
        assert {name for item in store.items.all() for name in item.metadata} == set()
    more = tmp_path / "more.csv"
    pd.DataFrame({"item_id": [1, 2, 99], "pred": "bad"}).to_csv(more, index=False)
    result = labeler("import", project, more, "--model", "other", "--only-predictions")
    assert "other: predictions for 2 items. 1 row was left out." in result.output
    assert "more.csv row 4: is of no item of the project" in result.stderr
    status = json.loads(labeler("status", project, "--json").output)
    assert [model["model"]["name"] for model in status["models"]] == ["other", "GPT-like"]
    assert status["models"][1]["metrics"]["accuracy"] == 1.0
    assert "GPT-like 4: accuracy 100.0%" in labeler("status", project).output
    labeler("remove-predictions", project, "GPT-like", "--model-version", "4")
    assert "GPT-like" not in labeler("predictions", project).output
    assert "--model NAME" in labeler("import", project, more, "--only-predictions", code=2).output
    assert "no predictions of nobody" in labeler("remove-predictions", project, "nobody", code=2).output
