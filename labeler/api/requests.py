"""Bodies of requests: the fields of each, and the sentences about wrong ones."""

from dataclasses import asdict, dataclass, field
from functools import cache
from typing import Annotated, Any, NoReturn, TypeVar, get_args

from pydantic import BeforeValidator, Field, TypeAdapter, ValidationError

from labeler.core.errors import LabelerError
from labeler.core.items import Action, Answer, Reveal

MOST_ITEMS = 100  # held by a tab
MOST_ANSWERS = 1000  # in one request
MOST_PROJECTS = 1000  # that a browser keeps answers for
MOST_BYTES = 1_000_000  # of a request
LARGEST_ID = 2**63 - 1  # that SQLite stores
MOST_NOTE = 2000  # characters

Name = Annotated[str, Field(min_length=1, max_length=200)]
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

    projects: Annotated[list[Name], Field(max_length=MOST_PROJECTS)]


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


@dataclass(frozen=True)
class Answers(Tab):
    """A tab sends answers."""

    answers: Annotated[list[SentAnswer], Field(max_length=MOST_ANSWERS)]

    def as_answers(self) -> list[Answer]:
        return [Answer(**asdict(answer), tab=self.tab) for answer in self.answers]


Body = TypeVar("Body")


def parse(kind: type[Body], body: bytes) -> Body:
    """The body of a request; unknown fields are ignored.

    Raises: RequestError: a field is wrong; the message names it and what it must be.
    """
    if len(body) > MOST_BYTES:
        raise RequestError("The request is too large: send fewer answers at once.")
    try:
        return _adapter(kind).validate_json(body or b"{}", strict=True)  # type: ignore[arg-type]  # classes are hashable
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        _refuse_body(problem["type"], problem["loc"])  # never returns


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def _refuse_body(problem: str, location: tuple[int | str, ...]) -> NoReturn:
    """Raise the sentence for an error of pydantic."""
    if problem == "json_invalid":
        raise RequestError("The request is not JSON.") from None
    if problem == "dataclass_type":
        if location:
            raise RequestError("Each answer must be a JSON object.") from None
        raise RequestError("The request must be a JSON object.") from None
    name = [part for part in location if isinstance(part, str)][-1]
    match name:
        case "n":
            raise RequestError("'n' must be a whole number from 1 to {most_items}.", most_items=MOST_ITEMS) from None
        case "release":
            raise RequestError("'release' must be a list of item ids.") from None
        case "history":
            raise RequestError("'history' must be true or false.") from None
        case "answers":
            raise RequestError("'answers' must be a list of at most 1000 answers.") from None
        case "projects":
            raise RequestError("'projects' must be a list of at most 1000 uids.") from None
        case "item_id":
            raise RequestError("'item_id' must be a whole number.") from None
        case "action":
            raise RequestError("'action' must be label, skip, flag or undo.") from None
        case "label":
            raise RequestError("'label' must be a text.") from None
        case "note":
            raise RequestError(
                "'note' must be a text of at most {most_note} characters.", most_note=MOST_NOTE
            ) from None
        case "reveal":
            raise RequestError("'reveal' must be {reveal}.", reveal=" or ".join(get_args(Reveal))) from None
    raise RequestError("{name!r} must be a text of 1 to 200 characters.", name=name) from None
