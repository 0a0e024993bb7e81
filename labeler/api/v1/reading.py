"""GET /docs: the schema as a page to read, with an example for each address. No script, nothing of another host."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, select_autoescape
from markupsafe import Markup, escape
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from labeler.i18n.messages import _, language, preferred, use

Schema = Mapping[str, Any]


@dataclass(frozen=True)
class Field:
    """A parameter, or a field of a body or an answer. depth: within how many others it lies."""

    name: str
    kind: str
    required: bool
    description: str
    depth: int = 0


@dataclass(frozen=True)
class Operation:
    """An address with a method. example: a call of curl. returns: the media type of what comes back."""

    id: str
    method: str
    path: str
    summary: str
    description: str
    scope: str
    parameters: tuple[Field, ...]
    body: tuple[Field, ...]
    answer: tuple[Field, ...]
    returns: str
    example: str


def page(request: Request) -> Response:
    """The documentation of the app that the request reached."""
    use(preferred(request.headers.get("accept-language")))
    schema = request.app.openapi()
    base = f"{request.url.scheme}://{request.url.netloc}{request.scope.get('root_path', '')}"
    words = {
        "title": _("API for programs"),
        "scope": _("scope of the token"),
        "parameters": _("Parameters"),
        "body": _("Body"),
        "answer": _("Answer"),
        "example": _("Example"),
        "required": _("required"),
        "schema": _("The schema for programs"),
        "contents": _("Contents"),
    }
    resources: dict[str, list[Operation]] = {}
    for operation in _operations(schema, base):
        resources.setdefault(operation[0], []).append(operation[1])
    values = {"words": words, "language": language(), "resources": resources, "about": schema["info"]["description"]}
    return HTMLResponse(_template().render(values, version=schema["info"]["version"]))


def _operations(schema: Schema, base: str) -> Iterator[tuple[str, Operation]]:
    """Each operation with its resource, in the order of the schema."""
    for path, methods in schema["paths"].items():
        for method, spec in methods.items():
            bodies = spec.get("requestBody", {}).get("content", {})
            kind, content = _first(bodies)
            success = next(reply for status, reply in spec["responses"].items() if status != "default")
            returns, answered = _first(success.get("content", {}))
            yield (
                spec["tags"][0],
                Operation(
                    spec["operationId"],
                    method.upper(),
                    path,
                    spec.get("summary", ""),
                    spec.get("description", ""),
                    spec["security"][0]["token"][0],
                    tuple(_parameter(each, schema) for each in spec.get("parameters", ())),
                    (*_fields(content.get("schema", {}), schema),),
                    (*_fields(answered.get("schema", {}), schema),),
                    returns,
                    _curl(method, base + path, kind, _sample(content.get("schema", {}), schema)),
                ),
            )


def _first(contents: Schema) -> tuple[str, Schema]:
    """The first media type, with what is said of it."""
    return next(iter(contents.items()), ("", {}))


def _parameter(spec: Schema, schema: Schema) -> Field:
    about = spec.get("description") or spec["schema"].get("description", "")
    return Field(spec["name"], _kind(spec["schema"], schema), bool(spec.get("required")), about)


def _resolved(part: Schema, schema: Schema) -> Schema:
    return schema["components"]["schemas"][part["$ref"].rpartition("/")[2]] if "$ref" in part else part


def _fields(part: Schema, schema: Schema, depth: int = 0) -> Iterator[Field]:
    """The fields of an object, or of the entries of a list, and those of the objects in them."""
    if depth > 3:
        return
    part = _resolved(part, schema)
    for alternative in part.get("anyOf", part.get("oneOf", [part])):
        alternative = _resolved(alternative, schema)
        if alternative.get("type") == "array":
            yield from _fields(alternative.get("items", {}), schema, depth)
        for name, field in alternative.get("properties", {}).items():
            about = field.get("description") or _resolved(field, schema).get("description", "")
            yield Field(name, _kind(field, schema), name in alternative.get("required", ()), about, depth)
            yield from _fields(field, schema, depth + 1)


def _kind(part: Schema, schema: Schema) -> str:
    """What a value may be, in a few words."""
    part = _resolved(part, schema)
    alternatives = part.get("anyOf") or part.get("oneOf")
    if alternatives:
        return " | ".join(dict.fromkeys(_kind(each, schema) for each in alternatives))
    if "enum" in part or "const" in part:
        return " | ".join(json.dumps(value, ensure_ascii=False) for value in part.get("enum", [part.get("const")]))
    if part.get("type") == "array":
        return f"[{_kind(part.get('items', {}), schema)}]"
    return str(part.get("type", "any"))


def _sample(part: Schema, schema: Schema) -> Any:
    """A value as one might send it: the example where the schema has one, and the required fields of an object."""
    part = _resolved(part, schema)
    if "examples" in part:
        return part["examples"][0]
    if "default" in part:
        return part["default"]
    if "enum" in part or "const" in part:
        return part.get("enum", [part.get("const")])[0]
    if alternatives := part.get("anyOf") or part.get("oneOf"):
        return _sample(alternatives[0], schema)
    match part.get("type"):
        case "object":
            fields = part.get("properties", {})
            return {name: _sample(fields[name], schema) for name in part.get("required", fields)}
        case "array":
            return [_sample(part.get("items", {}), schema)]
        case "integer" | "number":
            return part.get("minimum", 1)
        case "boolean":
            return True
    return "…"


def _curl(method: str, address: str, kind: str, body: Any) -> str:
    """A call of curl, a line an option."""
    lines = ["curl" + (f" -X {method.upper()}" if method != "get" else "") + ' -H "Authorization: Bearer $TOKEN"']
    if method != "get":
        lines.append('-H "Idempotency-Key: $(uuidgen)"')
    if kind.startswith("multipart/"):
        lines.append("-F file=@reviews.csv")
    elif kind:
        lines += [f'-H "Content-Type: {kind}"', f"-d '{json.dumps(body, ensure_ascii=False)}'"]
    return " \\\n  ".join([*lines, f"'{address}'" if "{" in address else address])


def _with_code(text: str) -> Markup:
    """A text of the schema as HTML: what stands between backticks is code."""
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(text))))


@cache
def _template() -> Any:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=select_autoescape(), trim_blocks=True
    )
    environment.filters["with_code"] = _with_code
    return environment.get_template("reading.html")
