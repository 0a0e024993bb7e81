"""Commands work on a server's project as on a folder's."""

import json
from dataclasses import replace

import pandas as pd
import pytest
from click.testing import CliRunner

from labeler import Project
from labeler.cli import main
from labeler.core.settings import LearnerConfig
from tests.support.samples import reviews

pytestmark = pytest.mark.slow


def test_a_project_on_a_server_is_filled_trained_and_taken_out_by_commands(server, tmp_path):
    def labeler(*arguments: object, code: int = 0) -> str:
        result = CliRunner().invoke(main, [str(a) for a in (*arguments, "--server", server)])
        assert result.exit_code == code, result.output
        return result.output

    table, out = tmp_path / "films.csv", tmp_path / "labels.csv"
    pd.DataFrame(reviews(60), columns=["text", "label"]).to_csv(table, index=False)
    assert "is not here any more" in labeler("status", "films", code=2)
    project = Project.create(f"{server}/films", ["good", "bad"])
    project.settings = replace(project.settings, learner=LearnerConfig(backbone="char_tfidf"))
    assert "60 items added, 0 already there" in labeler("import", "films", table, "--label-column", "label")
    assert "has no column 'body'" in labeler("import", "films", table, "--text-column", "body", code=2)
    assert labeler("round", "films").startswith("Round ")
    assert json.loads(labeler("status", "films", "--json"))["labeled"] == 51
    assert labeler("export", "films", out) == f"60 answers written to {out}.\n"
    assert len(pd.read_csv(out)) == 60
    assert pd.read_csv(out)["label"].notna().all()
    assert "good" in labeler("predict", "films", table)
    assert "Labels that change" in labeler("classes", "rename", "films", "good", "fine", "--yes")
    assert project.classes == ("fine", "bad")
