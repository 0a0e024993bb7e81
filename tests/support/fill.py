"""Filling a store: items, a finished round, answers. What a worker would do about them can be held back."""

from collections.abc import Iterator
from contextlib import contextmanager

from labeler.core.items import Answer, NewItem
from labeler.core.rounds import FinishedRound, Ranked, RoundResult
from labeler.jobs.maps import LOCK as AWAITED
from labeler.projects.project import Project
from labeler.store import Store
from tests.support.samples import reviews


def add(store: Store, n: int, split: str | None = "pool", first: int = 0) -> None:
    """`n` unlabeled texts in the order t0, t1, …; their content hashes sort in that order."""
    store.items.add(
        [NewItem(f"{i:06d}", f"row {i}", text=f"t{i}", split=split) for i in range(first, first + n)]  # type: ignore[arg-type]
    )


def rank(store: Store, item_ids: list[int], strategy: str = "margin", labels: int = 0) -> None:
    """A finished round whose ranking is `item_ids`; a worker that is running sees neither it nor an audit to run."""
    ranking = tuple(Ranked(i, strategy, 1.0 / i) for i in item_ids)
    result = RoundResult(labels, strategy, 7, None, ranking, 0.1, 0.2)
    with store.write():
        store.rounds.request("test")
        job = store.rounds.claim()
        assert job is not None
        number = store.rounds.next_number()
        store.rounds.finish(job, FinishedRound(number, result, item_ids, model="models/m.safetensors"))
        forget_audits(store)


def forget_audits(store: Store) -> None:
    """No audit of a made-up round is asked for any more: a worker would load torch for it."""
    store.db.execute("DELETE FROM audits WHERE state = 'queued'")


@contextmanager
def no_jobs(project: Project) -> Iterator[None]:
    """Until the end of the block no worker runs a round, an audit or a map of the project."""
    with project.lock("worker.lock"), project.lock(AWAITED):
        yield


def answer(project: Project, n: int, annotator: str = "kim") -> None:
    """Give the true label to the next `n` items that are asked."""
    true = dict(reviews(80))
    with project.store() as store:
        for held in store.desk.reserve(annotator, "t", n)[:n]:
            label = true[held.item.text]
            store.answers.add(
                annotator, [Answer(f"{annotator}-{held.item.id}", held.item.id, "label", label, 1.0, "t")]
            )


def add_labeled(store: Store, n: int, holdout: int) -> None:
    """`n` texts with their true labels, the first ones of them in the holdout."""
    store.items.add(
        [
            NewItem(f"{i:032x}", f"row {i}", text=text, split="holdout" if i < holdout else "pool", label=label)
            for i, (text, label) in enumerate(reviews(n))
        ]
    )
