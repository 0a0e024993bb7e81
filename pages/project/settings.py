"""The form of the settings that leads change most: what asks, what learns, the target and the budget."""

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

import strategies
from labeler.core.errors import LabelerError
from labeler.core.settings import Config
from labeler.core.settings_file import from_inline, inline
from labeler.core.settings_parser import parse
from labeler.experiments.check_settings import check_settings
from labeler.i18n.messages import _, mark, translate
from labeler.learner.head_files import heads_in
from labeler.projects.own_strategies import PAGE_SECONDS, own_strategies
from labeler.projects.project import Project
from pages.shared.percent import percent_input
from pages.shared.settings_form import Form, opened, save
from strategies import modifiers

FORM = Form(
    "settings",
    (
        *("target_accuracy", "budget", "query.strategy", "query.batch"),
        *("learner.backbone", "learner.kind", "learner.head", "learner.head_parameters", "learner.round_seconds"),
        *("learner.finetune.augment", "evaluation.later_share", "evaluation.later_most"),
    ),
)
LEARNERS = {
    "auto": mark("auto: fine-tunes from 100 labels on"),
    "frozen": mark("frozen: retrains in seconds"),
    "finetune": mark("finetune: from 30 labels on"),
}
AUGMENTATIONS = {
    "flip": mark("mirrored left to right"),
    "flip_vertical": mark("mirrored top to bottom"),
    "crop": mark("a part of it, enlarged"),
    "colour": mark("other brightness and colours"),
    "noise": mark("noise"),
}
HEADS = {
    "linear": mark("linear: regression, discriminant (default)"),
    "logistic": mark("logistic: logistic regression"),
    "svm": mark("svm: support vector machine, calibrated"),
    "gaussian_process": mark("gaussian_process: Gaussian process"),
    "random_forest": mark("random_forest: random forest"),
    "extra_trees": mark("extra_trees: extremely randomised trees"),
    "gradient_boosting": mark("gradient_boosting: boosted trees, slow"),
    "k_nearest": mark("k_nearest: nearest labeled items"),
    "naive_bayes": mark("naive_bayes: naive Bayes"),
}
MODIFIERS = {"distinct": mark("no near-duplicates in a batch"), "balanced": mark("more of rare predicted classes")}


def settings(project: Project) -> None:
    """The form. What is saved counts from the next round on."""
    with own_strategies(project, PAGE_SECONDS) as broken:
        registered = strategies.registered()
    heads, unreadable = heads_in(project.folder)
    for problem in (*strategies.broken, *broken, *unreadable):
        st.warning(translate(problem), icon=":material/extension_off:")
    drawn = opened(project, FORM)
    if drawn is None:
        return
    config = drawn.config
    with st.form("settings", border=False):
        # a row of columns each: on a phone, where all fields stand below each other, they stay in this order
        strategy = _strategy(st.columns(2), config, registered)
        backbone, kind = _learner(st.columns(2), config)
        head, parameters = _head(st.columns(2), config, heads)
        columns = st.columns(2)
        batch = columns[0].number_input(_("Labels between rounds"), 1, 100_000, config.query.batch)
        budget = columns[1].number_input(_("Budget (answers in all)"), 1, 10_000_000, config.budget)
        columns = st.columns(2)
        target = percent_input(columns[0], _("Target accuracy (%)"), config.target_accuracy, 0.5)
        seconds = columns[1].number_input(
            _("Seconds that training may take"),
            1,
            86_400,
            int(config.learner.round_seconds),
            help=_("Fine-tuning takes fewer epochs if all would take longer. Labeling goes on meanwhile."),
        )
        later = _later(st.columns(2), config)
        augment = _augment(config)
        if not st.form_submit_button(_("Save from the next round on")):
            return
    values = config.as_dict() | {"target_accuracy": target, "budget": int(budget)}
    values["query"] |= {"strategy": strategy, "batch": int(batch)}
    values["learner"] |= {"backbone": backbone.strip() or "auto", "kind": kind, "round_seconds": float(seconds)}
    values["learner"]["finetune"] |= {"augment": augment}
    values["evaluation"] |= later
    try:
        values["learner"] |= {"head": head, "head_parameters": from_inline(parameters, "learner.head_parameters")}
        changed = parse(values, _("The form"))
        with st.spinner(_("Trying the settings…")):
            check_settings(drawn, changed)
    except LabelerError as error:
        st.error(_("{problem} Nothing was saved.", problem=translate(error)))
    else:
        save(drawn, FORM, changed)


def _later(columns: Any, config: Config) -> dict[str, float | int]:
    """The fields of the share of later imports that joins the holdout, by the names of the settings."""
    evaluation = config.evaluation
    share = columns[0].slider(
        _("Share of later items in the holdout"),
        0.0,
        0.5,
        evaluation.later_share,
        0.01,
        format="percent",
        help=_(
            "Figures then hold for the items that come in as well, and tell whether these have changed. Each of the"
            " items has to be labeled: at 10%, 1,000 new items cost 100 holdout labels. It counts from the next import"
            " on."
        ),
    )
    most = columns[1].number_input(
        _("Later items in the holdout in 30 days, at most"),
        0,
        100_000,
        evaluation.later_most,
        help=_(
            "Once as many have come, no further ones join the holdout, and figures do not speak of these: where many"
            " items come each day, a smaller share covers all days."
        ),
    )
    return {"later_share": float(share), "later_most": int(most)}


def _strategy(columns: Any, config: Config, registered: Mapping[str, strategies.Strategy]) -> str:
    """The fields of the query strategy and its modifiers; the name of both together."""
    modified, current = modifiers.decompose(config.query.strategy)
    names = [*registered] if current in registered else [current, *registered]
    strategy = columns[0].selectbox(
        _("Query strategy"),
        names,
        names.index(current),
        format_func=lambda name: f"{name} ({_(registered[name].family)})" if name in registered else name,
    )
    modified = columns[1].multiselect(
        _("Modifiers"),
        [*modifiers.MODIFIERS],
        [*dict.fromkeys(modified)],
        format_func=lambda name: _(MODIFIERS[name]) if name in MODIFIERS else str(name),
        placeholder=_("none"),
        help=_("Any number of them; the first one listed has the last word."),
    )
    return modifiers.compose(modified, strategy)


def _learner(columns: Any, config: Config) -> tuple[str, str]:
    """The fields of the backbone and of the kind of learner."""
    backbone = columns[0].text_input(
        _("Backbone"),
        config.learner.backbone,
        help=_("`auto`, a timm or Hugging Face name, or a folder of weights."),
    )
    kind = columns[1].selectbox(
        _("Learner"),
        [*LEARNERS],
        [*LEARNERS].index(config.learner.kind),
        format_func=lambda name: _(LEARNERS[name]),
    )
    return backbone, kind


def _head(columns: Any, config: Config, of_files: Sequence[str]) -> tuple[str, str]:
    """The fields of the head and of its parameters."""
    current = config.learner.head
    names = [*dict.fromkeys([*HEADS, *of_files, current])]
    head = columns[0].selectbox(
        _("Head"),
        names,
        names.index(current),
        format_func=lambda name: _(HEADS[name]) if name in HEADS else str(name),
        help=_(
            "What learns on the backbone's features. Only the linear heads are fine-tuned, published and searched for"
            " settings. A Python file in the project's folder that has a class with `fit` and `predict_proba` is listed"
            " by itself. A head is tried on examples before it is saved."
        ),
    )
    parameters = columns[1].text_input(
        _("Parameters of the head"),
        inline(config.learner.head_parameters),
        help=_("As `name = value`, with commas between them, such as `C = 3.0`. Empty: its defaults."),
    )
    return head, parameters


def _augment(config: Config) -> list[str]:
    """The field of the augmentations, which images alone have."""
    current: list[str] = [*config.learner.finetune.augment]
    if config.modality != "image":
        return current
    return st.multiselect(
        _("An image keeps its label when it is …"),
        [*AUGMENTATIONS],
        current,
        format_func=lambda name: _(AUGMENTATIONS[name]),
        placeholder=_("none"),
        help=_(
            "Fine-tuning trains on images changed like this. A mirrored scan may mean something else: choose"
            " only changes that keep every label right."
        ),
    )
