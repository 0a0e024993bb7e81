"""Where a project stands on its way from the import to the labels taken out, and what comes next."""

from dataclasses import dataclass
from typing import Literal

from labeler.core.blinding import at_round
from labeler.core.items import Counts
from labeler.i18n.messages import Message, mark
from labeler.projects import guidelines
from labeler.projects.project import Project
from labeler.store import Store

Step = Literal["import", "guidelines", "label", "curve", "export", "classes"]
# The way of a project in which nothing goes wrong.
STEPS: tuple[Step, ...] = ("import", "guidelines", "label", "curve", "export")
NO_HOLDOUT = mark(
    "The project has no holdout, so nothing can be measured. Import further items without a column that marks the"
    " holdout: some of them are drawn into it."
)


@dataclass(frozen=True)
class Way:
    """The steps that are done, the one that comes next, and why: a sentence.

    The next one is "classes", or "curve" though there is one, where something went wrong that has to be mended first.
    """

    done: frozenset[Step]
    next: Step
    sentence: Message


def way(project: Project, store: Store, sides: bool = True) -> Way:
    """Where the project stands. Guidelines are never the next step, since a project may go without.

    Args: sides: whether who asks may know what is counted of pool and holdout apart.
    """
    counts, latest = store.items.counts(), store.rounds.latest()
    measured = latest.metrics if latest else None
    steps: dict[Step, bool] = {
        "import": counts.pool + counts.holdout > 0,
        "guidelines": bool(guidelines.read(project).digest),
        "label": counts.labeled + counts.holdout_labeled > 0,
        "curve": measured is not None,
    }
    done = frozenset(step for step, is_done in steps.items() if is_done)
    if "import" not in done:
        return Way(done, "import", mark("There are no items yet: import images or texts."))
    if store.class_changes.outside():
        return Way(done, "classes", mark("Labels stand outside the classes: change the classes first."))
    job = store.rounds.latest_job()
    if job and job.state == "failed":
        return Way(done, "curve", mark("The last round failed: its reason is on the Progress page."))
    enough = _enough(project, store, counts, measured.low if measured else 0.0)
    if enough is not None:
        return Way(done | {"label"}, "export", enough)
    if not counts.answers_by_people:
        return Way(done - {"label"}, "label", mark("The items are ready for their first labels."))
    if "curve" not in done:
        told = counts if sides else at_round(counts, latest)
        first = min(project.config.query.seed_size, told.reachable)
        missing = max(first - counts.labeled, 0)
        of_all = mark("The first model is trained after {n:,} pool labels; then the curve begins.", n=first)
        sentence = _until_the_curve(missing, counts) if sides else of_all
        return Way(done - {"label"}, "import" if sentence is NO_HOLDOUT else "label", sentence)
    return Way(done, "label", mark("Each round makes the curve longer, until the target is reached."))


def has_no_holdout(counts: Counts) -> bool:
    """Whether there are items, and none of them is in the holdout, so that no label will ever make a curve."""
    return counts.pool > 0 and not counts.holdout


def _until_the_curve(missing: int, counts: Counts) -> Message:
    if missing:
        return mark("{n:,} more pool labels until the first model is trained and the curve begins.", n=missing)
    if counts.classes_labeled < 2:
        return mark("All pool labels are of one class, and a model needs two: further items need labels.")
    if has_no_holdout(counts):
        return NO_HOLDOUT
    if not counts.holdout_labeled:
        return mark("The holdout has no labels yet, so nothing can be measured: its items come up among the others.")
    return mark("The first model is being trained; the curve begins when it is measured.")


def _enough(project: Project, store: Store, counts: Counts, low: float) -> Message | None:
    """Why labeling is at its end; None while it goes on."""
    if not counts.open.answers:
        return mark("There is nothing left to label: take the labels out.")
    if store.stops.current():
        return mark("Labeling has stopped: take the labels out.")
    if counts.answers_by_people >= counts.payable(project.config.budget):
        return mark("The budget is spent: take the labels out.")
    if low >= project.config.target_accuracy:
        return mark("The target is reached: the labels can be taken out, and more labels can be given.")
    return None
