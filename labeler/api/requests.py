"""Bodies of requests: the fields of each, and the sentences about wrong ones."""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from functools import cache
from typing import Annotated, Any, TypeVar

from pydantic import BeforeValidator, Field, TypeAdapter, ValidationError, WrapValidator

from labeler.core.errors import LabelerError
from labeler.core.items import Action, Answer, Reveal
from labeler.i18n.messages import Message

MOST_ITEMS = 100  # held by a tab
MOST_ANSWERS = 1000  # in one request
MOST_KEPT = 1000  # projects that a browser keeps answers for, and answers that it keeps of one
MOST_BYTES = 1_000_000  # of a request
MOST_UPLOADED = 20_000_000_000  # of a form that brings files to be imported, compared on, or predicted
MOST_ROWS_BYTES = 20_000_000  # of JSON that does
LARGEST_ID = 2**63 - 1  # that SQLite stores
MOST_NOTE = 2000  # characters

MOST_NAME = 200  # characters

Name = Annotated[str, Field(min_length=1, max_length=MOST_NAME)]
ItemId = Annotated[int, Field(ge=0, le=LARGEST_ID)]
Count = Annotated[int, Field(ge=1, le=MOST_ITEMS)]


class RequestError(LabelerError):
    """The request does not have the form that the route takes."""


def _plausible(seconds: Any) -> float | None:
    """The seconds, or None for an impossible time such as NaN: a wrong clock must not cost an answer."""
    return float(seconds) if isinstance(seconds, int | float) and 0 <= seconds < 1e7 else None


def _number(change: Any) -> int | None:
    """The number, or None: an answer of a desk that does not say what it knew is taken all the same."""
    return change if isinstance(change, int) and not isinstance(change, bool) and change >= 0 else None


@dataclass(frozen=True)
class Nothing:
    """The body of a request without one."""


@dataclass(frozen=True)
class Tab:
    """A tab is being closed."""

    tab: Name


@dataclass(frozen=True)
class Reserve(Tab):
    """A tab asks for items. `release`: ids of items that it gives back. `history`: past answers are sent too."""

    n: Count = 20
    release: list[ItemId] = field(default_factory=list)
    history: bool = False


@dataclass(frozen=True)
class Like(Tab):
    """A tab asks for items of one predicted class."""

    n: Count = 20


@dataclass(frozen=True)
class Uids:
    """A browser asks which of these projects are gone."""

    projects: Annotated[list[Name], Field(max_length=MOST_KEPT)]


@dataclass(frozen=True)
class Kept:
    """A browser keeps answers that were refused. requests: their ids. dismissed: those that the person gave up."""

    requests: Annotated[list[Name], Field(max_length=MOST_KEPT)] = field(default_factory=list)
    dismissed: Annotated[list[Name], Field(max_length=MOST_KEPT)] = field(default_factory=list)


@dataclass(frozen=True)
class SentAnswer:
    """An answer on its way from the desk; see `labeler.core.items.Answer`."""

    request_id: Name
    item_id: ItemId
    action: Action
    label: str | None = None
    seconds: Annotated[float | None, BeforeValidator(_plausible)] = None
    unsure: Annotated[bool, BeforeValidator(lambda value: value is True)] = False
    note: Annotated[str, Field(max_length=MOST_NOTE)] | None = None
    reveal: Reveal = "never"
    class_change: Annotated[int | None, BeforeValidator(_number)] = None
    undoes: Name | None = None


@dataclass(frozen=True)
class UnfitAnswer:
    """An answer with a wrong field, which the reason names. fields: as they were sent."""

    request_id: str
    item_id: int | None
    fields: Mapping[str, Any]
    reason: Message


def _or_unfit(value: Any, validate: Callable[[Any], SentAnswer]) -> SentAnswer | UnfitAnswer:
    """The answer; one with a wrong field holds up no other, as long as it says which answer it is."""
    try:
        return validate(value)
    except ValidationError as error:
        request_id = value.get("request_id") if isinstance(value, dict) else None
        if not (isinstance(request_id, str) and 0 < len(request_id) <= MOST_NAME):
            raise
        item_id = value.get("item_id")
        is_id = isinstance(item_id, int) and not isinstance(item_id, bool) and 0 <= item_id <= LARGEST_ID
        reason = Message.of(sentence_of(error.errors(include_url=False)[0]))
        return UnfitAnswer(request_id, item_id if is_id else None, value, reason)


@dataclass(frozen=True)
class Answers(Tab):
    """A tab sends answers."""

    answers: Annotated[list[Annotated[SentAnswer, WrapValidator(_or_unfit)]], Field(max_length=MOST_ANSWERS)]

    def as_answers(self) -> list[Answer]:
        """The answers without those that are unfit."""
        return [Answer(**asdict(answer), tab=self.tab) for answer in self.answers if isinstance(answer, SentAnswer)]

    def unfit(self) -> list[UnfitAnswer]:
        return [answer for answer in self.answers if isinstance(answer, UnfitAnswer)]


Body = TypeVar("Body")


def parse(kind: type[Body], body: bytes) -> Body:
    """The body of a request; unknown fields are ignored.

    Raises: RequestError: a field is wrong; the message names it and what it must be.
    """
    if len(body) > MOST_BYTES:
        raise RequestError("The request is too large: send fewer answers at once.")
    adapter: TypeAdapter[Body] = _adapter(kind)  # type: ignore[arg-type]  # classes are hashable
    try:
        try:
            return adapter.validate_json(body or b"{}", strict=True)
        except ValidationError as error:
            if error.errors(include_url=False)[0]["type"] != "json_invalid":
                raise
            return adapter.validate_json(_without_halves(body), strict=True)
    except ValidationError as error:
        raise sentence_of(error.errors(include_url=False)[0]) from None


def _without_halves(body: bytes) -> bytes:
    """The body with a question mark in place of each half of a character, as a text has that was cut in an emoji.

    It is no valid text, but the rest of an answer is worth more than that character.
    """
    try:
        return json.dumps(json.loads(body), ensure_ascii=False).encode("utf-8", "replace")
    except (ValueError, RecursionError):
        return body


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def sentence_of(problem: Mapping[str, Any]) -> RequestError:
    """An error of pydantic as a sentence. Args: problem: of those in `ValidationError.errors`."""
    location = problem["loc"]
    if problem["type"] == "json_invalid":
        return RequestError("The request is not JSON.")
    if problem["type"] in ("dataclass_type", "model_type", "model_attributes_type", "dict_type"):
        if "answers" in location:
            return RequestError("Each answer must be a JSON object.")
        return RequestError("The request must be a JSON object.")
    name = ([part for part in location if isinstance(part, str)] or ["body"])[-1]
    match problem["type"]:
        case "extra_forbidden":
            return RequestError("There is no field {name!r} in this request.", name=name)
        case "literal_error":
            expected = problem["ctx"]["expected"].replace(" or ", ", ")
            return RequestError("{name!r} must be one of {expected}.", name=name, expected=expected)
    match name:
        case "n":
            return RequestError("'n' must be a whole number from 1 to {most_items}.", most_items=MOST_ITEMS)
        case "release":
            return RequestError("'release' must be a list of item ids.")
        case "history":
            return RequestError("'history' must be true or false.")
        case "answers":
            return RequestError("'answers' must be a list of at most 1000 answers.")
        case "projects":
            return RequestError("'projects' must be a list of at most 1000 uids.")
        case "item_id":
            return RequestError("'item_id' must be a whole number.")
        case "requests" | "dismissed":
            return RequestError("{name!r} must be a list of at most 1000 ids of answers.", name=name)
        case "label":
            return RequestError("'label' must be a text.")
        case "note":
            return RequestError("'note' must be a text of at most {most_note} characters.", most_note=MOST_NOTE)
        case "tab" | "request_id" | "undoes":
            return RequestError("{name!r} must be a text of 1 to 200 characters.", name=name)
    return _general_sentence(name, problem)


def _general_sentence(name: str, problem: Mapping[str, Any]) -> RequestError:
    """What is wrong with a field that has no sentence of its own."""
    kind, limits = problem["type"], problem.get("ctx", {})
    if kind == "missing":
        return RequestError("{name!r} is missing.", name=name)
    if kind.startswith("string"):
        return RequestError("{name!r} must be a text of the form that is asked for.", name=name)
    if kind.startswith("int") or {"ge", "le", "gt", "lt"} & {*limits}:
        return RequestError("{name!r} must be a number within its limits.", name=name)
    return RequestError("{name!r} is not as it must be: {problem}.", name=name, problem=problem["msg"])
