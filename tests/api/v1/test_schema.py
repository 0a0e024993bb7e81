"""The kept schema is that of the code, and changes that break programs are named."""

import copy
import json
from typing import Any

import pytest

from labeler.api.v1.app import app, routes
from labeler.api.v1.schema import COMMAND, KEPT, breaking_changes, text
from tests.support.programs import program


def test_the_kept_schema_is_that_of_the_code():
    kept = KEPT.read_text("utf-8")
    assert breaking_changes(json.loads(kept), app.openapi()) == [], "programs would break"
    assert kept == text(), f"`{COMMAND}` brings docs/openapi.json up to date"


def test_the_server_hands_out_the_schema_and_a_page_of_it_without_a_token(own_home):
    client = program()
    client.headers.pop("Authorization")
    schema = client.get("/openapi.json").json()
    assert schema["openapi"].startswith("3.1")
    assert schema["servers"] == [{"url": "/api/v1"}]
    shown = client.get("/docs").text
    assert "<script" not in shown
    assert "<code>Idempotency-Key</code>" in shown
    for _path, route in routes().items():
        assert f'id="{route.name}"' in shown


def test_each_function_of_a_route_has_a_name_of_its_own():
    names = [route.name for route in routes().values()]
    assert len(names) == len(set(names))


THING = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "kind": {"enum": ["a", "b"]}, "n": {"type": "integer"}},
    "required": ["name"],
}
SCHEMA: dict[str, Any] = {
    "paths": {
        "/things": {
            "post": {
                "parameters": [{"name": "q", "in": "query", "schema": {"type": "string"}}],
                "requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Sent"}}}},
                "responses": {
                    "200": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Told"}}}}
                },
            }
        }
    },
    "components": {"schemas": {"Sent": THING, "Told": copy.deepcopy(THING)}},
}


def changed(*path, to=None):
    """A copy of the schema with another value at the path; none: without it."""
    schema = copy.deepcopy(SCHEMA)
    *above, last = path
    part: Any = schema
    for key in above:
        part = part[key]
    if to is None:
        del part[last]
    else:
        part[last] = to
    return schema


OPERATION = ("paths", "/things", "post")
SENT, TOLD = ("components", "schemas", "Sent"), ("components", "schemas", "Told")


@pytest.mark.parametrize(
    ("after", "sentence"),
    [
        (changed("paths", "/things"), "POST /things is gone."),
        (changed(*OPERATION), "POST /things is gone."),
        (changed(*OPERATION, "parameters"), "POST /things: the parameter 'q' is gone."),
        (
            changed(*OPERATION, "parameters", 0, "required", to=True),
            "POST /things: the parameter 'q' is required now.",
        ),
        (
            changed(*OPERATION, "parameters", 0, "schema", to={"type": "integer"}),
            "POST /things: the parameter 'q' has another type.",
        ),
        (changed(*OPERATION, "requestBody", "required", to=True), "POST /things: a body is required now."),
        (changed(*OPERATION, "responses", to={"201": {}}), "POST /things: the status 200 is not answered any more."),
        (changed(*SENT, "properties", "n"), "POST /things: the field 'n' is not taken any more."),
        (changed(*SENT, "required", to=["name", "n"]), "POST /things: the field 'n' is required now."),
        (
            changed(*SENT, "properties", "kind", "enum", to=["a"]),
            "POST /things: the field 'kind' does not take all that it took.",
        ),
        (changed(*TOLD, "properties", "n"), "POST /things: the answer has no field 'n' any more."),
        (
            changed(*TOLD, "properties", "n", "type", to="string"),
            "POST /things: the field 'n' of the answer has another type.",
        ),
        (
            changed(*TOLD, "properties", "kind", "enum", to=["a", "b", "c"]),
            "POST /things: the field 'kind' of the answer has another type.",
        ),
        (changed(*TOLD, "required", to=[]), "POST /things: the field 'name' of the answer may be missing now."),
    ],
)
def test_a_change_that_breaks_programs_is_named(after, sentence):
    assert breaking_changes(SCHEMA, after) == [sentence]


@pytest.mark.parametrize(
    "after",
    [
        SCHEMA,
        changed("paths", "/others", to={"get": {"responses": {}}}),
        changed(*SENT, "properties", "more", to={"type": "string"}),
        changed(*SENT, "required", to=[]),
        changed(*SENT, "properties", "kind", "enum", to=["a", "b", "c"]),
        changed(*TOLD, "properties", "more", to={"type": "string"}),
        changed(*TOLD, "required", to=["name", "n"]),
    ],
)
def test_a_change_that_only_adds_breaks_nothing(after):
    assert breaking_changes(SCHEMA, after) == []
