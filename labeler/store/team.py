"""Annotators: their roles, groups of classes, qualification and rates."""

import json
from collections.abc import Collection, Sequence

import numpy as np

from labeler.core.items import Annotator
from labeler.store.audit import AuditLog
from labeler.store.database import Database, Row, now
from labeler.store.items import IMPORT
from labeler.store.leases import lease_time

# The draw of qualification items is part of the project's data, as the holdout's is.
QUALIFICATION_SEED = 20_201_123
LOOK = 10_000  # imported labels from which they are drawn at most
# Seconds that an annotator without an item counts as waiting. Others' tabs then give back items held ahead.
WAITING_SECONDS = 10.0


class Team:
    """Annotators and their qualification."""

    def __init__(self, db: Database) -> None:
        self.db = db
        self.audit = AuditLog(db)

    def join(self, name: str) -> Annotator:
        """The annotator of this name, added if new."""
        rows = self.db.rows("SELECT * FROM annotators WHERE name = ?", [name])
        if not rows:
            with self.db.write():
                self.db.execute(
                    "INSERT INTO annotators (name, joined_at) VALUES (?, ?) ON CONFLICT DO NOTHING", [name, now()]
                )
            rows = self.db.rows("SELECT * FROM annotators WHERE name = ?", [name])
        return _as_annotator(rows[0])

    def all(self) -> list[Annotator]:
        """All annotators, in the order of joining."""
        return [_as_annotator(row) for row in self.db.rows("SELECT * FROM annotators ORDER BY joined_at, name")]

    def assign(
        self, name: str, role: str, groups: Sequence[str], paused: bool = False, qualified: bool | None = None
    ) -> None:
        """Store the lead's settings for an annotator, who is added if new."""
        with self.db.write():
            before = _settings_of(self.join(name))
            self.db.execute(
                "UPDATE annotators SET role = ?, groups = ?, paused = ?, qualified = ? WHERE name = ?",
                [role, json.dumps(list(groups), ensure_ascii=False), paused, qualified, name],
            )
            after = _settings_of(self.join(name))
            if after != before:
                self.audit.record(self.db.actor, "annotator changed", {"annotator": name}, before, after)

    def record_guidelines_read(self, name: str, digest: str) -> None:
        """Record that an annotator was shown the guidelines with this digest."""
        self.join(name)
        with self.db.write():
            self.db.execute("UPDATE annotators SET guidelines = ? WHERE name = ?", [digest, name])

    def set_waiting(self, name: str, at: float | None) -> None:
        """Record since when an annotator waits for items that others hold; None: the annotator does not wait."""
        self.db.execute(
            "UPDATE annotators SET waiting_since = ? WHERE name = ? AND waiting_since IS NOT ?", [at, name, at]
        )

    def somebody_waits(self, name: str) -> bool:
        """Whether another annotator waits for an item."""
        at = lease_time()
        return bool(
            self.db.value(
                "SELECT 1 FROM annotators WHERE waiting_since BETWEEN ? AND ? AND name <> ? LIMIT 1",
                [at - WAITING_SECONDS, at, name],
            )
        )

    def groups_of(self, annotator: Annotator) -> set[str]:
        """The groups of classes of an annotator. People of the same role share their groups."""
        same_role = [member for member in self.all() if annotator.role and member.role == annotator.role]
        return {group for member in (annotator, *same_role) for group in member.groups}

    def classes_of_others(self, annotator: Annotator) -> list[str]:
        """Classes whose items go to others: their group is assigned, but not to this annotator."""
        if not self._has_groups():
            return []
        assigned = {group for member in self.all() for group in member.groups}
        return self.classes_of(assigned - self.groups_of(annotator))

    def own_classes(self, annotator: Annotator) -> list[str]:
        """The classes of the annotator's groups."""
        return self.classes_of(self.groups_of(annotator)) if self._has_groups() else []

    def _has_groups(self) -> bool:
        return any(detail.group for detail in self.db.config.class_details.values())

    def classes_of(self, groups: Collection[str]) -> list[str]:
        """The classes of these groups."""
        return [name for name, detail in self.db.config.class_details.items() if detail.group in groups]

    # ------------------------------------------------------------ qualification

    def draw_qualification(self) -> int:
        """Draw qualification items up to the number in the settings; how many there are then.

        They are drawn from the pool items with an imported label, as evenly over the classes as possible; where there
        are very many, from `LOOK` of them, drawn at random. An item that was drawn stays drawn, because earlier
        newcomers were measured on it.
        """
        wanted = self.db.config.labeling.qualification
        drawn = self.db.value("SELECT COUNT(*) FROM qualification")
        if drawn >= wanted:
            return drawn
        rng = np.random.default_rng([QUALIFICATION_SEED, drawn])
        candidates = self._candidates(rng)
        order = rng.permutation(len(candidates))
        drawn_of_class: dict[str, int] = {}
        turns = []
        for row in (candidates[i] for i in order):
            turns.append((drawn_of_class.setdefault(row["label"], 0), row["item_id"]))
            drawn_of_class[row["label"]] += 1
        turns.sort(key=lambda turn: turn[0])  # the first item of each class, then the second of each …
        with self.db.write():
            self.db.executemany(
                "INSERT INTO qualification (item_id) VALUES (?) ON CONFLICT DO NOTHING",
                [(item,) for _, item in turns[: wanted - drawn]],
            )
        return self.db.value("SELECT COUNT(*) FROM qualification")

    def _candidates(self, rng: np.random.Generator) -> list[Row]:
        """The items that can be drawn, with their imported labels, in the order of import."""
        imported = "SELECT id FROM annotations WHERE annotator = :import"
        values: Row = {"import": IMPORT, "look": LOOK}
        n = self.db.value(f"SELECT COUNT(*) FROM ({imported} LIMIT :look + 1)", values)
        if n > LOOK:  # reading all of them would take seconds
            (first,), (last,) = (
                self.db.execute(f"{imported} ORDER BY id {order} LIMIT 1", values).fetchone()
                for order in ("ASC", "DESC")
            )
            places = rng.integers(first, last, LOOK, endpoint=True)
            values["places"] = json.dumps(np.unique(places).tolist())
            imported = f"SELECT ({imported} AND id >= place.value ORDER BY id LIMIT 1) FROM json_each(:places) place"
        return self.db.rows(
            f"""
            SELECT a.item_id, a.label FROM answers a JOIN items i ON i.id = a.item_id
            WHERE a.id IN ({imported}) AND a.action = 'label' AND i.split = 'pool'
              AND a.item_id NOT IN (SELECT item_id FROM qualification) ORDER BY a.item_id
            """,
            values,
        )

    def qualification_of(self, name: str) -> tuple[int, int, int]:
        """(answered, right, asked) qualification items of an annotator; skips count as answered, but not as right."""
        totals = self.db.rows(
            """
            SELECT COUNT(*) AS answered, COALESCE(SUM(a.label = imported.label), 0) AS good
            FROM qualification q JOIN answers imported ON imported.item_id = q.item_id AND imported.annotator = :import
            JOIN answers a ON a.item_id = q.item_id AND a.annotator = :name
            """,
            {"name": name, "import": IMPORT},
        )[0]
        return totals["answered"], totals["good"], self.db.value("SELECT COUNT(*) FROM qualification")

    def is_qualified(self, annotator: Annotator) -> bool:
        """Whether this annotator may be given items. The lead's setting goes before the qualification items."""
        if annotator.qualified is not None:
            return annotator.qualified
        labeling = self.db.config.labeling
        if not labeling.qualification:
            return True
        self.draw_qualification()
        answered, right, asked = self.qualification_of(annotator.name)
        return asked == 0 or (answered >= asked and right >= labeling.qualification_pass * asked)

    def own_rates(self) -> dict[str, float]:
        """The cost of an hour, for annotators with a rate of their own."""
        return {r["name"]: r["rate"] for r in self.db.rows("SELECT name, rate FROM annotators WHERE rate IS NOT NULL")}

    def rates(self) -> dict[str, float]:
        """The cost of an hour of each annotator: their own rate, else the project's."""
        names = self.db.rows(
            "SELECT name FROM annotators UNION SELECT annotator FROM tally WHERE annotator <> ?", [IMPORT]
        )
        return {row["name"]: self.db.config.team.rate for row in names} | self.own_rates()

    def set_rate(self, name: str, rate: float | None) -> None:
        """Store the cost of an hour of an annotator; None: the project's rate."""
        with self.db.write():
            self.join(name)
            before = self.db.value("SELECT rate FROM annotators WHERE name = ?", [name])
            self.db.execute("UPDATE annotators SET rate = ? WHERE name = ?", [rate, name])
            if rate != before:
                self.audit.record(
                    self.db.actor, "annotator changed", {"annotator": name}, {"rate": before}, {"rate": rate}
                )


def _settings_of(annotator: Annotator) -> Row:
    """What a lead sets for an annotator."""
    return {
        "role": annotator.role,
        "groups": list(annotator.groups),
        "paused": annotator.paused,
        "qualified": annotator.qualified,
    }


def _as_annotator(row: Row) -> Annotator:
    return Annotator(
        row["name"],
        row["joined_at"],
        row["role"],
        tuple(json.loads(row["groups"])),
        bool(row["paused"]),
        row["guidelines"],
        None if row["qualified"] is None else bool(row["qualified"]),
    )
