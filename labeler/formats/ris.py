"""RIS and PubMed's NBIB, for screening: title and abstract are the text, notes of ASReview the label.

Source: the RIS specification of Reference Manager; pubmed.ncbi.nlm.nih.gov/help/#pubmed-format;
asreview.readthedocs.io, *Data format*.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from labeler.core.items import Problem
from labeler.files.limits import check_rows
from labeler.files.sources import Row
from labeler.files.tables import lines_of
from labeler.formats.base import Description, Format, Items, LabeledItem, Reading, Rows, Target
from labeler.formats.json_files import clean
from labeler.i18n.messages import mark

# A tag of two letters has a space behind it, one of four a hyphen and a space: a line may go on with "IL-6" or "DNA-".
_TAG = re.compile(r"([A-Z][A-Z0-9](?: {1,2}|[A-Z0-9] |[A-Z0-9]{2}(?=- )))- ?(.*)")
_TITLE, _ABSTRACT, _NOTE = ("TI", "T1"), ("AB", "N2"), "N1"
_FIRST = ("TY", "PMID")  # tags that records begin with
_ANY_KIND = "GEN"  # the type of a reference of which nobody knows one
_BETWEEN = "; "  # values of a tag that comes several times
_LABEL = "labeler_label: "  # before a class, in a note
# What ASReview writes into the notes, and the usual names of these classes.
_ASREVIEW = {
    "ASReview_relevant": ("relevant", "included", "include"),
    "ASReview_irrelevant": ("irrelevant", "excluded", "exclude"),
}
_NOT_SEEN = "ASReview_not_seen"
_LONGEST_TITLE = 500  # characters


def recognises(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            beginning = file.read(4096).decode("utf-8-sig", "replace").lstrip()
    except OSError:
        return False
    # some programs put a number before each record
    lines = [line for line in beginning.splitlines()[:10] if line.strip() and not line.strip().rstrip(".").isdecimal()]
    return bool(lines) and re.match(r"(TY  |PMID)- ", lines[0]) is not None


# ---------------------------------------------------------------- reading


def read(reading: Reading) -> Rows:
    for number, record in enumerate(_records(lines_of(reading.path, "\n")), start=1):
        check_rows(reading.path.name, number, reading.limits)
        yield _row(reading, reading.row(number), record)


def _records(lines: Iterator[str]) -> Iterator[dict[str, list[str]]]:
    """The records of a file: the values by their tags; a line without a tag goes on with the value before it."""
    record: dict[str, list[str]] = {}
    last: list[str] | None = None
    for line in lines:
        text = line.rstrip("\r\n")
        found = _TAG.match(text)
        if found is None:
            if text.strip() and last is not None:
                last[-1] = f"{last[-1]} {text.strip()}".strip()
            continue
        tag, value = found[1].strip(), found[2].strip()
        if record and (tag in _FIRST or tag == "ER"):
            yield record
            record, last = {}, None
        if tag != "ER":
            last = record.setdefault(tag, [])
            last.append(value)
    if record:
        yield record


def _row(reading: Reading, name: str, record: Mapping[str, list[str]]) -> Row | Problem:
    title, abstract = (next((record[tag][0] for tag in tags if record.get(tag)), "") for tags in (_TITLE, _ABSTRACT))
    text = "\n\n".join(part for part in (title, abstract) if part)
    if not text:
        return Problem(name, mark("has neither a title nor an abstract"))
    notes = record.get(_NOTE, [])
    kept = [note for note in notes if not _is_label(note)]
    taken = (
        next(tag for tag in (*_TITLE, "") if not tag or record.get(tag)),
        next(tag for tag in (*_ABSTRACT, "") if not tag or record.get(tag)),
    )
    metadata = {tag: clean(_BETWEEN.join(values)) for tag, values in record.items() if tag not in (*taken, _NOTE)}
    if metadata.get("TY") == _ANY_KIND:
        del metadata["TY"]
    if kept:
        metadata[_NOTE] = clean(_BETWEEN.join(kept))
    labels = tuple(dict.fromkeys(label for note in notes for label in _labels(note, reading.classes)))
    return Row(
        name,
        text=clean(text),
        metadata={tag: value for tag, value in metadata.items() if value},
        labels=labels or None,
    )


def _is_label(note: str) -> bool:
    return note.startswith(_LABEL) or note in (*_ASREVIEW, _NOT_SEEN)


def _labels(note: str, classes: tuple[str, ...]) -> tuple[str, ...]:
    """The class that a note gives: as this program wrote it, or ASReview, whose classes have other names at times."""
    if note.startswith(_LABEL):
        return (note.removeprefix(_LABEL).strip(),)
    usual = _ASREVIEW.get(note)
    if usual is None:
        return ()
    return (next((name for name in classes if name.casefold() in usual), usual[0]),)


# ---------------------------------------------------------------- writing


def write(project: Description, items: Items, target: Target) -> None:
    with target.main.open("w", encoding="utf-8", newline="\n") as file:
        for item in items:
            file.writelines(f"{tag}  - {value}\n" for tag, value in _lines(item))
            file.write("ER  - \n\n")


def _lines(item: LabeledItem) -> Iterator[tuple[str, str]]:
    """The tags of a record with their values, each on one line."""
    known = {tag: value for tag, value in item.metadata.items() if re.fullmatch(r"[A-Z][A-Z0-9]", tag)}
    yield "TY", known.pop("TY", _ANY_KIND)
    title, _, abstract = (item.text or "").partition("\n\n")
    if not abstract and len(title) > _LONGEST_TITLE:
        title, abstract = "", title
    for tag, text in (("TI", title), ("AB", abstract)):
        if line := _line(text):
            yield tag, line
    for tag, value in known.items():
        if tag in ("ER", *_TITLE, *_ABSTRACT):
            continue
        for part in value.split(_BETWEEN):
            yield tag, _line(part)
    for answer in item.answers:
        if answer.given.note:
            yield _NOTE, _line(answer.given.note)
    for label in item.labels or ():
        yield _NOTE, f"{_LABEL}{_line(label)}"
        for note, usual in _ASREVIEW.items():
            if label.casefold() in usual:
                yield _NOTE, note


def _line(text: str) -> str:
    return " ".join(text.split())


FORMAT = Format(
    name="ris",
    title="RIS",
    file="references.ris",
    keeps={"texts": "both", "several": "both", "unlabeled": "both", "notes": "written"},
    write=write,
    recognises=recognises,
    read=read,
)
