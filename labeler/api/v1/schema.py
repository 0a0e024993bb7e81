"""The schema of the public API as it is kept in the repo, and what changes of it would break programs.

    python -m labeler.api.v1.schema              write docs/openapi.json; a change that breaks programs is refused
    python -m labeler.api.v1.schema --breaking   write it all the same

A test compares the kept schema with the code.
"""

import argparse
import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from labeler.api.v1.app import app

KEPT = Path(__file__).resolve().parents[3] / "docs" / "openapi.json"
COMMAND = "python -m labeler.api.v1.schema"

Schema = Mapping[str, Any]


def text() -> str:
    """The schema as the file holds it."""
    return json.dumps(app.openapi(), indent=1, ensure_ascii=False) + "\n"


def breaking_changes(before: Schema, after: Schema) -> list[str]:
    """A sentence for each change that breaks a program which keeps to the schema `before`.

    What is sent may become more permissive, and what is answered may gain fields.
    """
    return [*_of_operations(before, after)]


def _of_operations(before: Schema, after: Schema) -> Iterator[str]:
    for path, methods in before["paths"].items():
        for method, old in methods.items():
            where = f"{method.upper()} {path}"
            new = after["paths"].get(path, {}).get(method)
            if new is None:
                yield f"{where} is gone."
                continue
            yield from _of_parameters(where, old, new)
            yield from _of_body(where, (old, before), (new, after))
            yield from _of_replies(where, (old, before), (new, after))


def _of_parameters(where: str, old: Schema, new: Schema) -> Iterator[str]:
    were, are = ({(p["in"], p["name"]): p for p in op.get("parameters", ())} for op in (old, new))
    for key, parameter in were.items():
        name = f"the parameter {key[1]!r}"
        if key not in are:
            yield f"{where}: {name} is gone."
        elif _types(parameter["schema"], {}) - _types(are[key]["schema"], {}):
            yield f"{where}: {name} has another type."
    for key, parameter in are.items():
        if parameter.get("required") and not were.get(key, {}).get("required"):
            yield f"{where}: the parameter {key[1]!r} is required now."


def _of_body(where: str, old: tuple[Schema, Schema], new: tuple[Schema, Schema]) -> Iterator[str]:
    were, are = (op.get("requestBody", {}) for op, _whole in (old, new))
    if are.get("required") and not were.get("required"):
        yield f"{where}: a body is required now."
    for kind, content in were.get("content", {}).items():
        if kind not in are.get("content", {}):
            yield f"{where}: a body of {kind} is not taken any more."
        else:
            yield from _sent(where, (content["schema"], old[1]), (are["content"][kind]["schema"], new[1]))


def _of_replies(where: str, old: tuple[Schema, Schema], new: tuple[Schema, Schema]) -> Iterator[str]:
    for status, reply in old[0]["responses"].items():
        if status not in new[0]["responses"]:
            yield f"{where}: the status {status} is not answered any more."
            continue
        for kind, content in reply.get("content", {}).items():
            now = new[0]["responses"][status].get("content", {}).get(kind)
            if now is None:
                yield f"{where}: no {kind} is answered any more."
            else:
                yield from _answered(where, (content.get("schema", {}), old[1]), (now.get("schema", {}), new[1]))


Placed = tuple[Schema, Schema]  # a schema, and the whole that its references point into


def _sent(where: str, old: Placed, new: Placed, seen: frozenset[str] = frozenset()) -> Iterator[str]:
    """What breaks those who send: fields that are gone or newly required, and values that are not taken any more."""
    before, after = _fields(*old), _fields(*new)
    for name, field in before.items():
        if name not in after:
            yield f"{where}: the field {name!r} is not taken any more."
        elif _types(field, old[1]) - _types(after[name], new[1]):
            yield f"{where}: the field {name!r} does not take all that it took."
        elif name not in seen:
            yield from _sent(where, (field, old[1]), (after[name], new[1]), seen | {name})
    for name in sorted(_required(*new) - _required(*old)):
        yield f"{where}: the field {name!r} is required now."


def _answered(where: str, old: Placed, new: Placed, seen: frozenset[str] = frozenset()) -> Iterator[str]:
    """What breaks those who read: fields that are gone or may be missing, and types that they do not know."""
    before, after = _fields(*old), _fields(*new)
    for name, field in before.items():
        if name not in after:
            yield f"{where}: the answer has no field {name!r} any more."
        elif _types(after[name], new[1]) - _types(field, old[1]):
            yield f"{where}: the field {name!r} of the answer has another type."
        elif name not in seen:
            yield from _answered(where, (field, old[1]), (after[name], new[1]), seen | {name})
    for name in sorted((_required(*old) - _required(*new)) & after.keys()):
        yield f"{where}: the field {name!r} of the answer may be missing now."


def _parts(schema: Schema, whole: Schema) -> Iterator[Schema]:
    """A schema's alternatives, and the entries of lists, with references followed."""
    if "$ref" in schema:
        yield from _parts(whole["components"]["schemas"][schema["$ref"].rpartition("/")[2]], whole)
        return
    yield schema
    for part in (*schema.get("anyOf", ()), *schema.get("oneOf", ()), *schema.get("allOf", ())):
        yield from _parts(part, whole)
    if isinstance(schema.get("items"), Mapping):
        yield from _parts(schema["items"], whole)


def _fields(schema: Schema, whole: Schema) -> dict[str, Schema]:
    return {name: field for part in _parts(schema, whole) for name, field in part.get("properties", {}).items()}


def _required(schema: Schema, whole: Schema) -> set[str]:
    return {name for part in _parts(schema, whole) for name in part.get("required", ())}


def _types(schema: Schema, whole: Schema) -> set[str]:
    """The types and values that a field may have, those of a list's entries included."""
    types = set[str]()
    for part in _parts(schema, whole) if whole or "$ref" not in schema else ():
        if "enum" in part or "const" in part:
            types |= {repr(value) for value in part.get("enum", [part.get("const")])}
        elif "type" in part:
            types.add(str(part["type"]))
    return types


def main() -> None:
    parser = argparse.ArgumentParser(prog=COMMAND, description="Write the schema of the public API into docs/.")
    parser.add_argument("--breaking", action="store_true", help="also where a change breaks programs")
    asked = parser.parse_args()
    broken = breaking_changes(json.loads(KEPT.read_text("utf-8")), app.openapi()) if KEPT.exists() else []
    if broken and not asked.breaking:
        sys.exit("\n".join([*broken, "Programs would break: change it back, or give --breaking and a new VERSION."]))
    KEPT.write_text(text(), "utf-8")
    print(f"{KEPT}: {len(app.openapi()['paths'])} addresses")


if __name__ == "__main__":
    main()
