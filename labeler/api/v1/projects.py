"""Projects: list them, create one, look at one, archive it."""

from typing import Annotated

from fastapi import Response
from pydantic import BaseModel, Field

from labeler.access.accounts import lead
from labeler.access.home import home
from labeler.access.roles import is_member, role_of
from labeler.access.users import Role, User
from labeler.api.problems import address
from labeler.api.v1 import frame
from labeler.api.v1.frame import Body, Call, Cursor, Limit, Page, ProjectCall, in_home, in_project, page, place_of
from labeler.core.items import ClassesAnItem, Modality
from labeler.i18n.messages import _
from labeler.projects import drafts, people, shelf
from labeler.projects.drafts import Draft
from labeler.projects.project import Project

router = frame.resource("Projects")


class ProjectFacts(BaseModel):
    uid: str = Field(description="Tells the project from any other, also from a later one of the same name.")
    folder: str = Field(description="Its folder's name, which also stands for it in addresses.")
    name: str
    modality: Modality
    answers: ClassesAnItem = Field(description="Classes that an item has: one, or several.")
    classes: list[str]
    role: Role | None = Field(description="Of the token's owner; null: an admin who is no member.")
    created_at: str


class NewProject(Body):
    name: str = Field(min_length=1, max_length=200, examples=["Reviews"])
    classes: list[str] = Field(description="At least two names.", examples=[["good", "bad"]])
    modality: Modality = "text"
    answers: ClassesAnItem = "one"
    guidelines: str = Field(default="", description="For annotators, in Markdown.")


@router.get("/projects", summary="The projects that the token opens")
def list_projects(
    call: Annotated[Call, in_home("read")], limit: Limit = frame.PAGE, cursor: Cursor = None
) -> Page[ProjectFacts]:
    """Those that its owner is a member of, by their folders' names."""
    after = place_of(cursor, str) or ""
    here = [
        project
        for project in people.readable(home())
        if project.slug > after and call.bearer.opens(project.uid) and is_member(call.user, project)
    ]
    return page([_facts(project, call.user) for project in here[: limit + 1]], limit, lambda facts: facts.folder)


@router.post("/projects", status_code=201, summary="Create a project")
def create_project(
    call: Annotated[Call, in_home("manage", "create_project")], new: NewProject, response: Response
) -> ProjectFacts:
    """It has no items yet: add some, or import files. Its creator leads it."""
    draft = Draft(new.name, new.modality, tuple(new.classes), new.answers, new.guidelines)
    project = drafts.create_empty(draft, home(), _("The request"), call.actor)
    lead(call.user, project.uid, call.actor)
    response.headers["Location"] = address(f"/projects/{project.uid}")
    return _facts(project, call.user)


@router.get("/projects/{p}", summary="A project")
def get_project(call: Annotated[ProjectCall, in_project("read", None)]) -> ProjectFacts:
    """What every member of it knows."""
    return _facts(call.project, call.user)


@router.delete("/projects/{p}", status_code=204, summary="Archive a project")
def archive_project(call: Annotated[ProjectCall, in_project("manage", "put_away")]) -> None:
    """Nobody lists, serves or trains it any more; the page *Project* brings it back. No round or job may be running."""
    shelf.put_away(call.project, home(), "archive")


def _facts(project: Project, user: User) -> ProjectFacts:
    config = project.config
    with project.store() as store:
        created_at = store.created_at()
    return ProjectFacts(
        uid=project.uid,
        folder=project.slug,
        name=config.name,
        modality=config.modality,
        answers=config.answers,
        classes=list(config.classes),
        role=role_of(user, project),
        created_at=created_at,
    )
