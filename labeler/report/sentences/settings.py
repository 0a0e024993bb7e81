"""Settings in words: their names, their values, and what a change of them changed."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from labeler.core.setting_descriptions import described
from labeler.core.settings import Config
from labeler.core.settings_changes import DETAILS, changed_names, class_of
from labeler.i18n.markdown import Markdown, joined
from labeler.i18n.messages import _, mark
from labeler.report.sentences.stopping import NAMES as RULES
from labeler.store.audit import AuditRow
from labeler.store.settings_log import RESTORED

# As the forms call them; the others have the name that they have in `project.toml`.
NAMES = {
    "name": mark("Name that people see"),
    "modality": mark("Items"),
    "answers": mark("Classes of an item"),
    "classes": mark("Classes"),
    "target_accuracy": mark("Target accuracy"),
    "budget": mark("Budget (answers in all)"),
    "query.strategy": mark("Query strategy"),
    "query.batch": mark("Labels between rounds"),
    "query.random_share": mark("Share drawn at random"),
    "query.more_of": mark("Items that are queried more often"),
    "query.more_share": mark("Share of such items among those that the strategy queries"),
    "learner.kind": mark("Learner"),
    "learner.backbone": mark("Backbone"),
    "learner.backbone_search": mark("Search for a better backbone"),
    "learner.head": mark("Head"),
    "learner.adapted": mark("Adapted weights are used"),
    "learner.prior_column": mark("Column to start from"),
    "learner.prior_model": mark("Other model to start from"),
    "learner.round_seconds": mark("Seconds that training may take"),
    "learner.finetune.augment": mark("An image keeps its label when it is …"),
    "labeling.reveal": mark("The model's prediction is shown"),
    "labeling.overlap": mark("Annotators for an overlapped item"),
    "labeling.overlap_share": mark("Share of the items that are overlapped"),
    "labeling.qualification": mark("Items with known labels that a newcomer answers first"),
    "labeling.qualification_pass": mark("Share of them that must be answered correctly"),
    "labeling.grid": mark("Offer to confirm twenty similar predictions at once"),
    "labeling.show_others": mark("Annotators may see what others answered"),
    "labeling.paused": mark("Pause labeling: no items are assigned"),
    "labeling.show_columns": mark("Columns that annotators see beside the item"),
    "evaluation.group_column": mark("Column of the groups"),
    "evaluation.later_share": mark("Share of later items in the holdout"),
    "evaluation.later_most": mark("Later items in the holdout in 30 days, at most"),
    "dicom.deidentify": mark("De-identify DICOM files"),
    "dicom.drop_columns": mark("Columns that are not stored"),
    "stopping.stop_when": mark("Rules that stop labeling without a lead"),
    "stopping.kappa": mark("Predictions stable: mean kappa from"),
    "stopping.uncertainty": mark("Model is sure: uncertainty up to"),
    "stopping.gain": mark("Little left to gain: gain in accuracy below"),
    "team.leads": mark("Who leads"),
    "team.show": mark("What is shown about people"),
    "team.rate": mark("Cost of an hour"),
    "team.currency": mark("Currency"),
    "team.idle_seconds": mark("An answer counts at most (seconds)"),
}
# Values that are words of the program's own, by their settings.
VALUES: dict[str, Mapping[str, str]] = {
    "modality": {"text": mark("texts"), "image": mark("images")},
    "answers": {"one": mark("one class an item"), "several": mark("several classes an item, or none")},
    "labeling.reveal": {
        "never": mark("never: every answer is blind"),
        "after": mark("after the answer, which can be taken back"),
        "before": mark("before the answer"),
    },
    "stopping.stop_when": {str(rule): name for rule, name in RULES.items()},
    "team.show": {
        "items": mark("how many items"),
        "speed": mark("how fast, hours and cost"),
        "agreement": mark("agreement with others"),
        "skips": mark("skips"),
    },
}
OF_A_CLASS = {
    "key": mark("Key of the class {name}"),
    "colour": mark("Colour of the class {name}"),
    "group": mark("Group of the class {name}"),
    "description": mark("Description of the class {name}"),
}
NO_SHARES = ("stopping.kappa",)  # from 0 to 1 as shares are, and not written in percent
LONGEST = 120  # characters of a value


def name_in_words(name: str) -> str:
    """A setting as the forms call it; in its section, and with the class that it is of."""
    if name.startswith(f"{DETAILS}."):
        return _(OF_A_CLASS[name.rpartition(".")[2]], name=class_of(name))
    return _(NAMES[name]) if name in NAMES else name


def value_in_words(name: str, value: Any) -> str:
    """The value of a setting as people write it."""
    words = VALUES.get(name, {})
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, list | tuple):
        text = ", ".join(_(words[part]) if part in words else str(part) for part in value)
    elif isinstance(value, str) and value in words:
        text = _(words[value])
    elif isinstance(value, int | float):
        text = f"{round(100 * value, 6):g}%" if name in _shares() and name not in NO_SHARES else f"{value:,}"
    else:
        text = "" if value is None else str(value)
    return (text if len(text) <= LONGEST else f"{text[:LONGEST]}…") or "–"


def change_in_words(name: str, before: Any, after: Any) -> str:
    """A setting with its value before and after."""
    return _(
        "{name}: {before} → {after}",
        name=name_in_words(name),
        before=value_in_words(name, before),
        after=value_in_words(name, after),
    )


def changes_in_words(row: AuditRow) -> Markdown:
    """What a change of the settings changed, on one line."""
    before, after = row.before or {}, row.after or {}
    parts = [change_in_words(name, before.get(name), after.get(name)) for name in changed_names(before, after)]
    if row.action == RESTORED and "kept" in row.what:
        parts.append(
            _("The last good settings are back; the file that could not be read is {kept}.", kept=row.what["kept"])
        )
    return joined("; ", parts)


@cache
def _shares() -> frozenset[str]:
    return frozenset(setting.key for setting in described(Config) if setting.limits == (0, 1))
