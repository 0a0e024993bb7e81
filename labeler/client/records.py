"""What the API answers → the records that Python code gets."""

import json
from collections.abc import Callable, Mapping
from pathlib import PurePosixPath
from typing import Any

from labeler.core.feeds import Feed, FeedLook, FeedState
from labeler.core.groups import GroupCounts
from labeler.core.items import DicomReport, ImportReport, Problem
from labeler.core.notebook import RoundSummary
from labeler.core.rounds import Metrics
from labeler.core.settings import FeedConfig
from labeler.projects.foreign_columns import PredictionColumns

Json = Mapping[str, Any]


class Picture:
    """The image of an item on a server, which is read when it is asked for."""

    def __init__(self, name: str, read: Callable[[], bytes]) -> None:
        """
        Args: read: gives the bytes.
        """
        self.name, self._read = name, read

    @property
    def suffix(self) -> str:
        """The end of its name."""
        return PurePosixPath(self.name).suffix

    def read_bytes(self) -> bytes:
        """The picture as browsers show it. Raises: LabelerError: the server does not give it."""
        return self._read()

    def __repr__(self) -> str:
        return f"Picture({self.name!r})"


def round_of(reply: Json) -> RoundSummary:
    """A finished round."""
    told = reply["metrics"]  # by a server of another version more or less
    metrics = told and Metrics(**{name: told[name] for name in Metrics.__dataclass_fields__ if name in told})
    return RoundSummary(reply["number"], reply["labels"], reply["strategy"], metrics)


def report_of(brought: Json) -> ImportReport:
    """The report on an import."""
    problems = tuple(Problem(row["source"], row["reason"]) for row in brought["left_out"])
    dicom = brought["dicom"] and {k: tuple(v) if isinstance(v, list) else v for k, v in brought["dicom"].items()}
    return ImportReport(
        brought["added"],
        brought["duplicates"],
        brought["labels_added"],
        brought["pool"],
        brought["holdout"],
        problems,
        groups=brought["groups"] and GroupCounts(**brought["groups"]),
        in_two_groups=brought["in_two_groups"],
        across=brought["across"],
        dicom=DicomReport(**dicom) if dicom else None,
        columns=tuple(brought["columns"]),
        more_problems=brought["not_imported"] - len(problems),
    )


def feed_of(reply: Json) -> Feed:
    """A feed with what came of it. What a server of another version says more is left out."""
    state = _known(FeedState, reply["state"]) | {"name": reply["name"], "problem": reply["state"]["problem"] or ""}
    state["refused"] = tuple(Problem(row["source"], row["reason"]) for row in state["refused"])
    state["looking"] = state["looking"] and look_of(state["looking"])
    settings = FeedConfig(**_known(FeedConfig, reply["settings"]))
    return Feed(reply["name"], settings, FeedState(**state), reply["is_due"])


def look_of(reply: Json) -> FeedLook:
    """A look at a feed."""
    return FeedLook(**_known(FeedLook, reply) | {"problem": reply["problem"] or ""})


def _known(kind: type[Any], values: Json) -> dict[str, Any]:
    return {name: values[name] for name in kind.__dataclass_fields__ if name in values}


def as_field(columns: PredictionColumns | None) -> str | None:
    """Columns with predictions as a field of a form."""
    return json.dumps(columns.as_dict(), ensure_ascii=False) if columns else None


def changes_between(before: Json, after: Json) -> dict[str, Any]:
    """The JSON Merge Patch that makes values from others (RFC 7396)."""
    changes: dict[str, Any] = dict.fromkeys(before.keys() - after.keys())
    for name, value in after.items():
        old = before.get(name)
        if isinstance(value, Mapping) and isinstance(old, Mapping):
            if inner := changes_between(old, value):
                changes[name] = inner
        elif (list(value) if isinstance(value, tuple) else value) != old:
            changes[name] = value
    return changes
