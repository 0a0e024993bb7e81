"""A round without labels has a model where the project knows something of its classes."""

from dataclasses import replace

import numpy as np
import pytest

from labeler.backbones.encoder import Joined
from labeler.backbones.meaning import meaning
from labeler.core.errors import LabelerError
from labeler.core.items import NewItem
from labeler.core.settings import ClassDetail
from labeler.cycle import snapshot
from labeler.jobs.rounds import work_once
from labeler.models.reproduce import reproduce
from labeler.projects.project import Project
from labeler.store.foreign import NewForeign
from tests.support.samples import BAD, GOOD, reviews

SENTENCES = {
    "good": ClassDetail(description=f"{' '.join(GOOD)} film"),
    "bad": ClassDetail(description=f"{' '.join(BAD)} film"),
}


def add(project: Project, labels: str = "holdout") -> None:
    """Sixty reviews with a guess each, a third of them in the holdout; only that, or `nothing`, has labels."""
    with project.store() as store:
        store.items.add(
            [
                NewItem(
                    f"{i:032x}",
                    f"row {i}",
                    text=text,
                    split="pool" if i % 3 else "holdout",
                    label=label if i % 3 == 0 and labels == "holdout" else None,
                    metadata={"llm": f" {label} " if i % 5 else "who knows"},
                )
                for i, (text, label) in enumerate(reviews(60))
            ]
        )
        store.rounds.request("import")


@pytest.fixture
def reading(monkeypatch: pytest.MonkeyPatch) -> None:
    """Characters count as meaning."""
    monkeypatch.setattr(snapshot, "meaning", lambda encoder: np.full(sum(encoder.dims), True))


def test_sentences_give_predictions_and_a_point_of_the_curve_before_the_first_label(
    project: Project, reading: None
) -> None:
    informed = project.save(replace(project.config, class_details=SENTENCES))
    add(informed)
    assert work_once(informed)
    with informed.store() as store:
        first = store.rounds.latest()
        assert first is not None
        assert first.metrics is not None
        assert (first.labels, first.strategy) == (0, "k_means")  # strategies want labels that differ
        assert first.metrics.accuracy > 0.8
        reserved = store.desk.reserve("kim", "tab", 20)
        assert any(item.prediction for item in reserved)
    assert reproduce(informed, 1).difference == 0


def test_a_column_of_guesses_gives_them_too(project: Project) -> None:
    informed = project.save(replace(project.config, learner=replace(project.config.learner, prior_column="llm")))
    add(informed)
    assert work_once(informed)
    with informed.store() as store:
        first = store.rounds.latest()
        assert first is not None
        assert first.metrics is not None
        assert first.metrics.accuracy > 0.8
    assert reproduce(informed, 1).difference == 0


def test_predictions_of_another_model_give_them_too_but_those_of_the_holdout_teach_nothing(project: Project) -> None:
    add(project)
    with project.store() as store:
        other = store.foreign.begin("GPT-like", "4", "gpt.csv", 0)
        wrong = {"good": "bad", "bad": "good"}
        true = dict(reviews(len(store.items.all())))
        store.foreign.put(
            other,
            [
                NewForeign(i.id, wrong[true[str(i.text)]] if i.split == "holdout" else true[str(i.text)])
                for i in store.items.all()
            ],
        )
        store.foreign.finish([other])
    assert work_once(project)
    with project.store() as store:
        first = store.rounds.latest()
        assert first is not None
        assert first.metrics is not None
        assert first.metrics.accuracy > 0.8
    assert reproduce(project, 1).difference == 0
    with project.store() as store:
        store.foreign.remove(store.foreign.all()[0])
    with pytest.raises(LabelerError, match="predictions of GPT-like 4, which were removed"):
        reproduce(project, 1)


@pytest.mark.parametrize("why", ["off", "one class", "encoder"])
def test_there_is_no_model_without_labels_where_nothing_is_known(
    project: Project, why: str, request: pytest.FixtureRequest
) -> None:
    if why != "encoder":
        request.getfixturevalue("reading")
    details = SENTENCES if why != "one class" else {"good": SENTENCES["good"]}
    learner = replace(project.config.learner, prior="off" if why == "off" else "auto")
    plain = project.save(replace(project.config, class_details=details, learner=learner))
    add(plain, "nothing")
    assert work_once(plain)
    with plain.store() as store:
        first = store.rounds.latest()
        assert first is not None
        assert first.model is None


def test_columns_of_encoders_that_are_used_together_count_apart() -> None:
    class Part:
        def __init__(self, name: str, width: int) -> None:
            self.name, self.dims = name, (width,)

    columns = meaning(Joined((Part("multilingual-e5-small", 2), Part("char_tfidf", 3))))  # type: ignore[arg-type]
    np.testing.assert_array_equal(columns, [True, True, False, False, False])
    assert meaning(Part("char_tfidf", 3)) is None  # type: ignore[arg-type]
