"""The backups of the server: GET, POST /backups."""

from typing import Annotated

from pydantic import BaseModel, Field

from labeler.access.home import home
from labeler.api.v1.frame import Call, Cursor, Limit, Page, in_home, page, place_of, resource
from labeler.core.errors import LabelerError
from labeler.core.running import running
from labeler.i18n.messages import load, translate
from labeler.jobs.keeper import ask_for_backup, is_asked, kept
from labeler.projects import backup_settings, backups

router = resource("Backups")


class MadeBackup(BaseModel):
    """A backup of all projects and accounts."""

    name: str
    made_at: str
    verified_at: str = Field(description="Empty: it was not verified.")
    files: int
    bytes: int
    left_out: dict[str, str] = Field(description="Projects that are not in it, and why.")


class BackupsPage(Page[MadeBackup]):
    is_asked: bool = Field(description="Whether one was asked for that is not finished.")
    failed: str | None = Field(description="Why the last one was not made; null: it was.")


class Asked(BaseModel):
    is_asked: bool


@router.get("/backups", summary="The backups of the server")
def all_backups(
    call: Annotated[Call, in_home("administer", "see_server")], limit: Limit = 50, cursor: Cursor = None
) -> BackupsPage:
    """The latest first."""
    before, state = place_of(cursor, str), kept(home())
    made = [
        MadeBackup(
            name=backup.folder.name,
            made_at=backup.manifest.made_at,
            verified_at=backup.manifest.verified_at,
            files=len(backup.manifest.files),
            bytes=backup.manifest.size,
            left_out={name: translate(load(reason)) for name, reason in backup.manifest.left_out.items()},
        )
        for backup in reversed(backups.every(backup_settings.place(home()), home().name))
    ]
    shown = page([entry for entry in made if before is None or entry.name < before], limit, lambda entry: entry.name)
    failed = translate(load(state.failed)) if state.failed else None
    return BackupsPage(items=shown.items, next=shown.next, is_asked=is_asked(home()), failed=failed)


@router.post("/backups", status_code=202, summary="Back the server up now")
def back_up_now(call: Annotated[Call, in_home("administer", "see_server")]) -> Asked:
    """`labeler serve` makes it within seconds, see `GET`."""
    here = running(home())
    if here is None or not here.is_served:
        raise LabelerError("No backup can be asked for here: `labeler serve` makes them, and `labeler backup`.")
    ask_for_backup(home())
    return Asked(is_asked=True)
