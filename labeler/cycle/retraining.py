"""Whether a round that somebody asks for would bring anything, and if not, why."""

from labeler.core.class_changes import labels_outside
from labeler.i18n.messages import Message, mark
from labeler.store import Store


def obstacle(store: Store) -> Message | None:
    """Why a round cannot run now, or would change nothing; None if it can and would."""
    counts, job = store.items.counts(), store.rounds.latest_job()
    if counts.pool + counts.holdout == 0:
        return mark("There are no items yet: import images or texts first.")
    if outside := store.class_changes.outside():
        return Message.of(labels_outside(outside))
    if job and job.state == "running":
        return mark("A round is running: its progress is on the Progress page.")
    if job and job.state == "queued":
        return mark("A round is waiting for the worker.")
    if not counts.labeled:
        return mark("The pool has no labels yet: label items first.")
    if counts.classes_labeled < 2:
        return mark("All pool labels are of one class, and a model needs two: further items need labels.")
    if job and job.state == "done" and not store.rounds.anything_new():
        return mark("Nothing is new since the last round: no label, no item, no class and no setting.")
    return None
