"""Provenance as PROV-JSON: which answer says what of which item, who gave it and when, why it was asked.

Source: W3C, PROV-DM and the PROV-JSON serialisation (w3.org/submissions/prov-json).
"""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any, TextIO

from labeler.formats.base import Description, Format, Items, LabeledAnswer, LabeledItem, Target

_SECTIONS = (
    "entity",
    "activity",
    "agent",
    "used",
    "wasGeneratedBy",
    "wasAssociatedWith",
    "wasAttributedTo",
    "wasDerivedFrom",
)
_PREFIX = {"labeler": "urn:labeler:", "prov": "http://www.w3.org/ns/prov#"}
_SHARED = ("labeler:person/", "labeler:round/", "labeler:model/", "_:trained-")  # entries that many items have
Entry = tuple[str, str, dict[str, Any]]  # section, id, values


def write(project: Description, items: Items, target: Target) -> None:
    """The sections of the document are written side by side, since each item is read once."""
    with ExitStack() as stack:
        files: dict[str, TextIO] = {}
        for section in _SECTIONS:
            path = target.main.with_name(f"{target.main.name}.{section}")
            stack.callback(path.unlink, missing_ok=True)
            files[section] = stack.enter_context(path.open("w+", encoding="utf-8"))
        known: set[tuple[str, str]] = set()  # of the shared entries
        for item in items:
            for section, name, values in _entries(item):
                if name.startswith(_SHARED):
                    if (section, name) in known:
                        continue
                    known.add((section, name))
                file = files[section]
                file.write(
                    (",\n" if file.tell() else "") + f"{json.dumps(name)}: {json.dumps(values, ensure_ascii=False)}"
                )
        _join(target, files)


def _join(target: Target, files: dict[str, TextIO]) -> None:
    with target.main.open("w", encoding="utf-8", newline="\n") as out:
        out.write('{"prefix": ' + json.dumps(_PREFIX))
        for section, file in files.items():
            out.write(f',\n"{section}": {{\n')
            file.seek(0)
            while chunk := file.read(1 << 20):
                out.write(chunk)
            out.write("\n}")
        out.write("\n}\n")


def _entries(item: LabeledItem) -> Iterator[Entry]:
    """What the document says of an item, its answers and the decision about it."""
    thing = f"labeler:item/{item.content_hash}"
    yield "entity", thing, {"prov:type": "labeler:Item", "labeler:id": item.id, "labeler:split": item.split}
    for number, answer in enumerate(item.answers, start=1):
        yield from _answer(thing, f"{item.id}/{number}", answer)
    if item.decision:
        name, label = f"labeler:decision/{item.id}", f"labeler:label/{item.id}"
        yield "activity", name, {"prov:type": "labeler:Decision", "prov:endTime": item.decision.at}
        yield "used", f"_:uses-decision-{item.id}", {"prov:activity": name, "prov:entity": thing}
        values = {"labeler:classes": list(item.decision.labels), "labeler:action": item.decision.action}
        yield "entity", label, {"prov:type": "labeler:Label", **values}
        yield from _made(label, name, item.decision.annotator, f"decision-{item.id}")


def _answer(thing: str, number: str, answer: LabeledAnswer) -> Iterator[Entry]:
    given, why = answer.given, answer.reasons
    name, label = f"labeler:answer/{number}", f"labeler:label/{number}"
    details = {
        "labeler:action": given.action,
        "labeler:seconds": given.seconds,
        "labeler:strategy": why.strategy,
        "labeler:score": why.score,
        "labeler:round": why.round,
    }
    known = {key: value for key, value in details.items() if value is not None}
    yield "activity", name, {"prov:type": "labeler:Answering", "prov:endTime": given.at, **known}
    yield "used", f"_:uses-{number}", {"prov:activity": name, "prov:entity": thing}
    said = {"labeler:classes": list(given.labels), "labeler:unsure": given.unsure}
    note = {"labeler:note": given.note} if given.note else {}
    yield "entity", label, {"prov:type": "labeler:Label", **said, **note}
    yield from _made(label, name, given.annotator or "import", number)
    yield "wasDerivedFrom", f"_:about-{number}", {"prov:generatedEntity": label, "prov:usedEntity": thing}
    if why.model and why.round is not None:
        yield from _round(name, why.model, why.round, number)


def _round(name: str, model: str, round_: int, number: str) -> Iterator[Entry]:
    """That an item was asked because of what a round's model said of it."""
    entity, activity = f"labeler:model/{model}", f"labeler:round/{round_}"
    yield "activity", activity, {"prov:type": "labeler:Round", "labeler:number": round_}
    yield "entity", entity, {"prov:type": "labeler:Model"}
    yield "wasGeneratedBy", f"_:trained-{round_}", {"prov:entity": entity, "prov:activity": activity}
    yield "used", f"_:asked-by-{number}", {"prov:activity": name, "prov:entity": entity}


def _made(label: str, activity: str, by: str, number: str) -> Iterator[Entry]:
    """That an activity made a label, and who did it."""
    agent = f"labeler:person/{by}"
    kind = "prov:SoftwareAgent" if by == "import" else "prov:Person"
    yield "agent", agent, {"prov:type": kind, "labeler:name": by}
    yield "wasGeneratedBy", f"_:made-{number}", {"prov:entity": label, "prov:activity": activity}
    yield "wasAssociatedWith", f"_:with-{number}", {"prov:activity": activity, "prov:agent": agent}
    yield "wasAttributedTo", f"_:by-{number}", {"prov:entity": label, "prov:agent": agent}


FORMAT = Format(
    name="provenance",
    title="PROV-JSON",
    file="provenance.json",
    keeps={
        "texts": "written",
        "images": "written",
        "several": "written",
        "none": "written",
        "unlabeled": "written",
        "split": "written",
        "annotators": "written",
        "times": "written",
        "seconds": "written",
        "skips": "written",
        "unsure": "written",
        "notes": "written",
        "decisions": "written",
        "reasons": "written",
    },
    write=write,
)
