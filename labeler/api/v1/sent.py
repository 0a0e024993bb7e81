"""Requests that bring files, as a form, or a JSON object: what a handler gets of either."""

import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from shutil import copyfileobj
from typing import Any, TypeVar

from fastapi import Depends, Request
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from starlette.datastructures import UploadFile

from labeler.api.requests import RequestError
from labeler.api.v1.frame import Body
from labeler.files.uploads import safe_name, source_in

MOST_FILES = 200  # of a form; more are sent as a zip
FORM, JSON = "multipart/form-data", "application/json"

Model = TypeVar("Model", bound=Body)


@dataclass(frozen=True)
class Sent:
    """The fields of a request, and its files, which lie on disk and go with the request.

    A field that a form has several times is a list.
    """

    fields: Any
    files: Sequence[UploadFile]

    def as_body(self, model: type[Model]) -> Model:
        """The fields as a body. Raises: RequestValidationError."""
        try:
            return model.model_validate(self.fields)
        except ValidationError as error:
            raise RequestValidationError(error.errors()) from None

    def stored(self, folder: Path) -> Path:
        """The table, zip or folder of images that was sent, once its files lie in the folder."""
        names = [file.filename or "file" for file in self.files]
        for file, name in zip(self.files, names, strict=True):
            path = folder / safe_name(name)
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("wb") as target:
                copyfileobj(file.file, target)
        return source_in(folder, names)


async def _sent(request: Request) -> AsyncIterator[Sent]:
    if not request.headers.get("content-type", "").startswith(FORM):
        yield Sent(_json(await request.body()), ())
        return
    async with request.form(max_files=MOST_FILES) as form:
        entries = form.multi_items()
        files = [value for _name, value in entries if isinstance(value, UploadFile)]
        names = {name for name, value in entries if isinstance(value, str)}
        values = {name: [value for value in form.getlist(name) if isinstance(value, str)] for name in names}
        yield Sent({name: each if len(each) > 1 else each[0] for name, each in values.items()}, files)


def _json(body: bytes) -> Any:
    try:
        return json.loads(body or b"{}")
    except (ValueError, RecursionError):
        raise RequestError("The request is not JSON.") from None


sent: Any = Depends(_sent)


def taken(*bodies: type[Body], upload: type[Body]) -> dict[str, Any]:
    """What the schema says of the bodies that a route takes. Args: upload: the fields beside the files of a form."""
    form = upload.model_json_schema()
    form["properties"]["files"] = {
        "type": "array",
        "items": {"type": "string", "contentMediaType": "application/octet-stream"},
        "minItems": 1,
        "description": "A table, a zip of images, or images with their folders in their names.",
    }
    form["required"] = [*form.get("required", ()), "files"]
    objects = [body.model_json_schema() for body in bodies]
    content = {JSON: {"schema": objects[0] if len(objects) == 1 else {"anyOf": objects}}, FORM: {"schema": form}}
    return {"requestBody": {"required": True, "content": content}}
