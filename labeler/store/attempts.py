"""Jobs whose process ended before them: something outside ended it, memory was short, or it crashed by itself."""

from labeler.core.jobs import Ending
from labeler.i18n.messages import mark
from labeler.store.database import Database

HALVINGS = 4  # of the batches at most, where memory is short
SHORT = mark("Memory was too short for this round, though its batches were halved {halvings} times.")
SHORT_BESIDE = mark("Memory was too short for this job, though its batches were halved {halvings} times.")


def note_ending(db: Database, table: str, ended: Ending | None) -> None:
    """Count how the process ended that ran the running jobs of a table, and halve their batches where memory may have
    been the cause.

    Who kills a process twice in one job may be the system, for want of memory that nobody has told of.

    Args: ended: None: it did not.
    """
    db.execute(
        f"UPDATE {table} SET crashes = crashes + (:ended = 'crashed'), halvings = min(:most, halvings"
        " + (:ended = 'memory' OR (:ended = 'outside' AND attempts >= 2)))"
        " WHERE state = 'running' AND :ended IS NOT NULL",
        {"ended": ended, "most": HALVINGS},
    )
