"""Label Studio's protocol of ML backends, by which one of its projects asks this server for the order of its tasks.

GET  /api/label-studio/{project}/health    → that the server is there
POST /api/label-studio/{project}/setup     {project, schema, hostname, access_token} → the version of the predictions
POST /api/label-studio/{project}/predict   {tasks: []} → a prediction for each task: its place in the queue
POST /api/label-studio/{project}/webhook   {action} → the worker looks at what has changed there

Label Studio sends an API token as the password of Basic authentication, of the scope `manage`. What it says of tasks
and annotations is not believed: the worker reads them there, see `labeler.jobs.label_studio`.

Source: labelstud.io/guide/ml_create, and the client in Label Studio 1.23 (label_studio/ml/api_connector.py).
"""

import base64
import binascii
import json
from collections.abc import Callable
from functools import wraps
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from labeler.access.api_tokens import bearer
from labeler.access.home import home
from labeler.access.roles import check, is_member
from labeler.api.problems import ProblemResponse, status_of_change, when_to_come_again
from labeler.api.requests import RequestError
from labeler.core.actor import Actor
from labeler.core.errors import AccessError, ForbiddenError, LabelerError
from labeler.events.addresses import checked
from labeler.i18n.messages import translate
from labeler.jobs.label_studio import MOST_DIGITS, check_configuration, predictions_of
from labeler.projects import project as projects
from labeler.projects.project import Project

NOTED = ("ANNOTATION", "TASK")  # how the actions begin that change what is read there
Handler = Callable[[Project, str, dict[str, Any]], dict[str, Any]]  # the project, who asks, the body → the reply


def _route(path: str, method: str) -> Callable[[Handler], Route]:
    """A route of the protocol: it finds who asks, the project and the body, and answers errors with a sentence."""

    def decorate(handler: Handler) -> Route:
        @wraps(handler)
        async def endpoint(request: Request) -> Response:
            def answer(body: bytes) -> Response:
                project, name = _who(request)
                return JSONResponse(handler(project, name, _object(body)))

            try:
                return await run_in_threadpool(answer, await request.body() if method == "POST" else b"")
            except LabelerError as error:
                return ProblemResponse(status_of_change(error), translate(error), when_to_come_again(error))

        return Route(f"/api/label-studio/{{project}}/{path}", endpoint, methods=[method])

    return decorate


def _who(request: Request) -> tuple[Project, str]:
    """The project that is asked about, and the name of who asks. Raises: AccessError, ForbiddenError, ProjectError."""
    kind, _, credentials = request.headers.get("authorization", "").partition(" ")
    try:
        secret = base64.b64decode(credentials).decode().partition(":")[2] if kind.lower() == "basic" else ""
    except (binascii.Error, UnicodeDecodeError):
        secret = ""
    if not secret:
        raise AccessError("Label Studio sends no API token: put it as the password of the backend's address.")
    token = bearer(secret)
    actor = Actor(token.user.name, "api", request.client.host if request.client else "")
    project = projects.serve_project(home(), request.path_params["project"], actor)
    if not token.opens(project.uid) or not is_member(token.user, project):
        raise projects.gone()
    if not token.may_use("manage"):
        raise ForbiddenError("This API token may not do this: it needs the scope {scope!r}.", scope="manage")
    check(token.user, project, "change_settings")
    return project, token.user.name


def _object(body: bytes) -> dict[str, Any]:
    try:
        value = json.loads(body or b"{}")
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise RequestError("The body must be a JSON object.")
    return value


@_route("health", "GET")
def health(project: Project, name: str, body: dict[str, Any]) -> dict[str, Any]:
    return {"status": "UP", "model_class": "labeler"}


@_route("setup", "POST")
def setup(project: Project, name: str, body: dict[str, Any]) -> dict[str, Any]:
    """Link the project to the one of Label Studio. Raises: LabelerError: its question is another one."""
    number, url, token = str(body.get("project")).partition(".")[0], str(body.get("hostname")), body.get("access_token")
    is_number = number.isdecimal() and len(number) <= MOST_DIGITS
    if not is_number or not isinstance(token, str) or not isinstance(body.get("schema"), str):
        raise RequestError("Label Studio names no project, no configuration or no token.")
    check_configuration(project, body["schema"])
    checked(url)
    with project.store() as store:
        store.label_studio.connect(url, token, int(number), name)
        link = store.label_studio.link()
    return {"model_version": link.asked if link else ""}


@_route("predict", "POST")
def predict(project: Project, name: str, body: dict[str, Any]) -> dict[str, Any]:
    tasks = body.get("tasks")
    if not isinstance(tasks, list) or not all(isinstance(t, dict) and isinstance(t.get("id"), int) for t in tasks):
        raise RequestError("'tasks' must be a list of tasks.")
    with project.store() as store:
        return {"results": predictions_of(store, [task["id"] for task in tasks])}


@_route("webhook", "POST")
def webhook(project: Project, name: str, body: dict[str, Any]) -> dict[str, Any]:
    """Something has changed there: the worker looks at it. `START_TRAINING` asks for a round."""
    action = str(body.get("action"))
    with project.store() as store:
        if action.startswith(NOTED):
            store.label_studio.look_now()
        elif action == "START_TRAINING":
            store.rounds.request("Label Studio")
    return {"status": "ok"}


routes_for_label_studio = [health, setup, predict, webhook]
