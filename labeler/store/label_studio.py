"""The Label Studio project that people annotate in: where it is, and which of its tasks is which item."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from labeler.core.errors import ProjectError
from labeler.i18n.messages import dump, load
from labeler.store.audit import AuditLog
from labeler.store.database import Database
from labeler.store.parts import in_parts

EVERY = 60.0  # seconds between two looks, if nothing happens here or there
# Seconds until a task that could not be read is tried again; doubled each time.
FIRST_WAIT, LONGEST_WAIT = 60.0, 86_400.0
PREFIX = "label-studio:"  # of the request id of an answer that was given there; its task and annotation follow


@dataclass(frozen=True)
class Link:
    """A project of a Label Studio.

    url: of the server. token: that it gave. project: its id there. by: who connected it. asked: the version under which
    it was told what is asked next; "" before the first time. read_until: its time up to which answers were read.
    """

    url: str
    token: str
    project: int
    by: str
    asked: str
    round: int
    read_until: str


class LabelStudio:
    """The link of a project to Label Studio."""

    def __init__(self, db: Database, audit: AuditLog) -> None:
        self.db, self.audit = db, audit

    def link(self) -> Link | None:
        """The link; None where there is none."""
        rows = self.db.rows(f"SELECT {', '.join(Link.__dataclass_fields__)} FROM label_studio")
        return Link(**rows[0]) if rows else None

    def connect(self, url: str, token: str, project: int, by: str) -> None:
        """Link the project.

        Raises: ProjectError: it is linked to another project. Two that both ask would end each other's link for ever.
        """
        with self.db.write():
            now_is = self.link()
            if now_is and (now_is.url, now_is.token, now_is.project, now_is.by) == (url, token, project, by):
                return
            if now_is and (now_is.url, now_is.project) != (url, project):
                raise ProjectError(
                    "This project is connected to project {number} of {server}: disconnect it first, on the page"
                    " Project.",
                    number=now_is.project,
                    server=now_is.url,
                )
            if now_is is None:
                self.audit.record(self.db.actor, "Label Studio connected", {"server": url, "project": project})
            self.db.execute(
                "INSERT INTO label_studio (id, url, token, project, by) VALUES (1, ?, ?, ?, ?)"
                " ON CONFLICT (id) DO UPDATE SET token = excluded.token, by = excluded.by, next_at = 0",
                [url, token, project, by],
            )

    def disconnect(self) -> None:
        """End the link. The answers that were given there stay."""
        with self.db.write():
            if self.db.rows("DELETE FROM label_studio RETURNING id"):
                self.db.execute("DELETE FROM label_studio_tasks")
                self.db.execute("DELETE FROM label_studio_people")
                self.audit.record(self.db.actor, "Label Studio disconnected")

    def is_due(self, at: float) -> bool:
        """Whether the project there is to be looked at: at this Unix time, or since there is a newer ranking.

        A time far ahead was set by a clock that has gone back since.
        """
        return bool(
            self.db.value(
                f"SELECT 1 FROM label_studio WHERE next_at <= :at OR next_at > :at + {EVERY}"
                " OR (problem IS NULL AND round < (SELECT MAX(number) FROM rounds))",
                {"at": at},
            )
        )

    def look_now(self) -> None:
        """Let the worker look at the project there: something has changed."""
        self.look_at(0)

    def told(self, asked: str, number: int) -> None:
        """Record the version under which it was told what is asked next, and the round whose ranking that was."""
        with self.db.write():
            self.db.execute("UPDATE label_studio SET asked = ?, round = ?", [asked, number])

    def look_at(self, next_at: float) -> None:
        """Record the Unix time of the next look, unless something changes before."""
        with self.db.write():
            self.db.execute("UPDATE label_studio SET next_at = ?", [next_at])

    def looked(self, read_until: str, problem: object) -> None:
        """Record a look at the project there. problem: why it failed; "" if it did not."""
        with self.db.write():
            self.db.execute(
                "UPDATE label_studio SET read_until = ?, problem = ?", [read_until, dump(problem) if problem else None]
            )

    def problem(self) -> str:
        """Why the last look failed; "" if it did not."""
        return load(self.db.value("SELECT problem FROM label_studio") or "")

    # ------------------------------------------------------------ tasks

    def remember(self, items: Mapping[int, int | None], at: float) -> None:
        """Store which item each task is; None: its content could not be imported, and is tried again later.

        Args: at: the Unix time now.
        """
        for part in in_parts(self.db, list(items.items())):
            with self.db.write():
                self.db.executemany(
                    "INSERT INTO label_studio_tasks (task, item_id, tries, next_at) VALUES (?, ?, 1, ?)"
                    " ON CONFLICT (task) DO UPDATE SET item_id = excluded.item_id, tries = tries + 1,"
                    f" next_at = ? + min({LONGEST_WAIT}, {FIRST_WAIT} * (1 << min(tries, 20)))",
                    [(task, item, at + FIRST_WAIT, at) for task, item in part],
                )

    def to_try_again(self, at: float, most: int) -> list[int]:
        """The first tasks that could not be read and are to be tried again at a Unix time."""
        rows = self.db.rows(
            "SELECT task FROM label_studio_tasks WHERE item_id IS NULL"
            f" AND (next_at <= :at OR next_at > :at + {LONGEST_WAIT}) ORDER BY next_at LIMIT :most",
            {"at": at, "most": most},
        )
        return [row["task"] for row in rows]

    def name_of(self, user: int, name: str) -> str:
        """The name of a user of Label Studio here: their own there, with the number where another user has it.

        A name stays what it was, also where an erasure has put another one in its place.
        """
        query = "SELECT name FROM label_studio_people WHERE user = ?"
        if known := self.db.value(query, [user]):
            return str(known)
        with self.db.write():
            is_taken = self.db.value("SELECT 1 FROM label_studio_people WHERE name = ?", [name])
            self.db.execute(
                "INSERT INTO label_studio_people (user, name) VALUES (?, ?) ON CONFLICT DO NOTHING",
                [user, f"{name} ({user})" if is_taken else name],
            )
        return str(self.db.value(query, [user]) or name)

    def forget_others(self, tasks: Collection[int]) -> None:
        """Forget the tasks that are none of these: they were deleted there."""
        for part in in_parts(self.db, sorted(self.tasks().keys() - set(tasks))):
            with self.db.write():
                self.db.executemany("DELETE FROM label_studio_tasks WHERE task = ?", [(task,) for task in part])

    def tasks(self) -> dict[int, int | None]:
        """The item of each task that is known."""
        return {
            row["task"]: row["item_id"]
            for row in self.db.rows("SELECT task, item_id FROM label_studio_tasks ORDER BY task")
        }

    def unanswered(self, items: Sequence[int]) -> list[int]:
        """Those of the items that nobody has answered."""
        rows = self.db.rows(
            "SELECT value FROM json_each(?) WHERE NOT EXISTS (SELECT 1 FROM answers a WHERE a.item_id = value)",
            [json.dumps([*items])],
        )
        return [row["value"] for row in rows]

    def annotations_of(self, items: Sequence[int]) -> dict[int, dict[str, str]]:
        """The current answers to items that were given in Label Studio: by item, the request id of each annotator."""
        found: dict[int, dict[str, str]] = {}
        for row in self.db.rows(
            "SELECT a.item_id, a.annotator, a.request_id FROM json_each(?) e JOIN answers a ON a.item_id = e.value"
            f" WHERE a.request_id LIKE '{PREFIX}%'",
            [json.dumps([*items])],
        ):
            found.setdefault(row["item_id"], {})[row["annotator"]] = row["request_id"]
        return found
