"""Settings of a project: read them, change some."""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import Body

from labeler.api.v1 import frame
from labeler.api.v1.frame import ProjectCall, in_project
from labeler.core.errors import ConfigError
from labeler.core.settings_parser import parse
from labeler.experiments.check_settings import check_settings
from labeler.i18n.messages import _

router = frame.resource("Settings")

FIXED = ("classes", "modality", "answers")  # what items and labels are of


@router.get("/projects/{p}/settings", summary="All settings, with their present values")
def get_settings(call: Annotated[ProjectCall, in_project("read", "see_strategies")]) -> dict[str, Any]:
    """By section, as in `project.toml`; the page *Settings* of the documentation says what each does."""
    return call.project.config.as_dict()


@router.patch("/projects/{p}/settings", summary="Change settings")
def change_settings(
    call: Annotated[ProjectCall, in_project("manage", "change_settings")],
    changes: Annotated[
        dict[str, Any],
        Body(
            description="The settings that change, by section (RFC 7396); null puts a default back.",
            examples=[{"query": {"strategy": "margin", "batch": 50}}],
        ),
    ],
) -> dict[str, Any]:
    """They count from the next round on, stand in the history of the settings, and can be taken back there."""
    if fixed := [name for name in FIXED if name in changes]:
        raise ConfigError(
            "{name!r} is no setting that is changed here: classes have changes of their own.", name=fixed[0]
        )
    changed = parse(_merged(call.project.config.as_dict(), changes), _("The request"))
    check_settings(call.project, changed)
    return call.project.save(changed).config.as_dict()


def _merged(values: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """A JSON Merge Patch."""
    together = dict(values)
    for name, change in changes.items():
        if change is None:
            together.pop(name, None)
        elif isinstance(change, Mapping) and isinstance(before := together.get(name, {}), Mapping):
            together[name] = _merged(before, change)
        else:
            together[name] = change
    return together
