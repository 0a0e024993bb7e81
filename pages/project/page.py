"""Create a project, import items, choose what learns and what asks, retrain now."""

import tempfile
from collections.abc import Callable
from pathlib import Path

import streamlit as st

import strategies
from labeler.access.access import home
from labeler.core.errors import LabelerError
from labeler.core.items import ImportReport
from labeler.core.settings import parse
from labeler.i18n.messages import _, mark, translate
from labeler.projects import project as projects
from labeler.projects.importer import import_source
from labeler.projects.project import Project
from pages.project.adapting import adapting
from pages.project.rules import rules
from pages.project.team import team
from pages.project.telling import telling
from pages.project.tuning import tuning
from pages.shared.session import choose, require_project, require_user
from strategies import modifiers

MODALITIES = {"image": mark("images"), "text": mark("texts")}
ANSWERS = {"one": mark("one class an item"), "several": mark("several classes an item, or none")}
SOURCES = {"upload": mark("Upload"), "path": mark("Path on the server")}
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
MODIFIERS = {"distinct": mark("no near-duplicates in a batch"), "balanced": mark("more of rare predicted classes")}

user = require_user()


def create() -> None:
    with st.form("create", border=False):
        name = st.text_input(_("Name"), placeholder=_("Brain MRI"))
        modality = st.radio(
            _("What is labeled"), [*MODALITIES], format_func=lambda kind: _(MODALITIES[kind]), horizontal=True
        )
        answers = st.radio(
            _("Classes of an item"), [*ANSWERS], format_func=lambda kind: _(ANSWERS[kind]), horizontal=True
        )
        classes = st.text_area(_("Classes, one a line"), placeholder=_("glioma\nmeningioma\npituitary\nnone"))
        if not st.form_submit_button(_("Create project"), type="primary"):
            return
    try:
        names = [c.strip() for c in classes.splitlines() if c.strip()]
        values = {"name": name.strip(), "classes": names, "modality": modality, "answers": answers}
        config = parse(values, _("The form"))
        project = projects.create(home() / projects.slug(name), config)
    except LabelerError as error:
        st.error(translate(error))
        return
    choose("project", project.slug)
    st.rerun()


def bring_in(project: Project) -> None:
    where = st.radio(_("From"), [*SOURCES], format_func=lambda source: _(SOURCES[source]), horizontal=True)
    with st.form("import", border=False):
        if where == "upload":
            files = st.file_uploader(_("Images, a zip, or a table"), accept_multiple_files=True)
        else:
            kinds = _("A folder of images, a zip of one, or a table (CSV, TSV, JSONL, Parquet, XLSX).")
            path = st.text_input(_("Path"), help=kinds)
        columns = st.columns(3)
        content = columns[0].text_input(
            _("Column of texts") if project.config.modality == "text" else _("Column of image paths"),
            help=_("Left empty, an obvious one is taken. Not used for folders and zips."),
        )
        label = columns[1].text_input(_("Column of known labels"), help=_("Left empty: none are read from a table."))
        split = columns[2].text_input(
            _("Column that says what is held out"), help=_("`test` or `holdout` is held out.")
        )
        keep = st.checkbox(_("Keep known labels of the holdout only, and ask for the others"))
        if not st.form_submit_button(_("Import"), type="primary"):
            return
    named = {"text_column" if project.config.modality == "text" else "image_column": content or None}
    bar = st.progress(0.0, text=_("Reading …"))

    def report(done: int, total: int) -> None:
        bar.progress(min(done / total, 1.0) if total else 0.0, text=_("{n:,} rows read", n=done))

    def run(source: Path) -> ImportReport:
        return import_source(
            project,
            source,
            label_column=label or None,
            split_column=split or None,
            keep_labels="holdout" if keep else "all",
            on_progress=report,
            **named,
        )

    try:
        result = _import_uploads(files, run) if where == "upload" else run(Path(path).expanduser())
    except LabelerError as error:
        st.error(translate(error))
        return
    finally:
        bar.empty()
    show(result)


def _import_uploads(files: list, run: Callable[[Path], ImportReport]) -> ImportReport:
    """Uploaded files lie in memory: give them a folder, from which they are copied into the project."""
    if not files:
        raise LabelerError("No file is chosen: choose images, a zip, or a table.")
    with tempfile.TemporaryDirectory() as scratch:
        for file in files:
            (Path(scratch) / Path(file.name).name).write_bytes(file.getbuffer())
        single = len(files) == 1 and not files[0].type.startswith("image/")
        return run(Path(scratch) / Path(files[0].name).name if single else Path(scratch))


def show(report: ImportReport) -> None:
    st.success(
        _(
            "{added:,} items added, {duplicates:,} already there, {labels:,} labels. The pool has {pool:,} items, the"
            " holdout {holdout:,}.",
            added=report.added,
            duplicates=report.duplicates,
            labels=report.labels_added,
            pool=report.pool,
            holdout=report.holdout,
        )
    )
    if report.problems:
        st.warning(_("{n:,} rows could not be imported:", n=len(report.problems)))
        problems = [{_("where"): p.source, _("why"): translate(p.reason)} for p in report.problems]
        st.dataframe(problems, hide_index=True, width="stretch")


def settings(project: Project) -> None:
    config = project.config
    with strategies.strategies_of(project.strategies) as broken:
        known = strategies.registered()
    for problem in (*strategies.broken, *broken):
        st.warning(translate(problem), icon=":material/extension_off:")
    modified, current = modifiers.decompose(config.query.strategy)
    names = [*known] if current in known else [current, *known]
    with st.form("settings", border=False):
        columns = st.columns(2)
        strategy = columns[0].selectbox(
            _("Query strategy"),
            names,
            names.index(current),
            format_func=lambda n: f"{n} ({_(known[n].family)})" if n in known else n,
        )
        modified = columns[1].multiselect(
            _("Modifiers"),
            [*modifiers.MODIFIERS],
            [*dict.fromkeys(modified)],
            format_func=lambda name: _(MODIFIERS[name]) if name in MODIFIERS else str(name),
            placeholder=_("none"),
            help=_("None, or more of them; the first has the last word."),
        )
        backbone = columns[0].text_input(
            _("Backbone"),
            config.learner.backbone,
            help=_("`auto`, a timm or Hugging Face name, or a folder of weights."),
        )
        kind = columns[1].selectbox(
            _("Learner"),
            [*LEARNERS],
            [*LEARNERS].index(config.learner.kind),
            format_func=lambda kind: _(LEARNERS[kind]),
        )
        batch = columns[0].number_input(_("Labels between rounds"), 1, 100_000, config.query.batch)
        target = columns[0].number_input(_("Target accuracy"), 0.0, 1.0, config.target_accuracy, 0.01)
        budget = columns[1].number_input(_("Budget (labels in all)"), 1, 10_000_000, config.budget)
        seconds = columns[1].number_input(
            _("Seconds that training may take"),
            1,
            86_400,
            int(config.learner.round_seconds),
            help=_("Fine-tuning takes fewer epochs if all would take longer. Labeling goes on meanwhile."),
        )
        augment: list[str] = list(config.learner.finetune.augment)
        if config.modality == "image":
            augment = st.multiselect(
                _("An image still means the same when it is …"),
                [*AUGMENTATIONS],
                augment,
                format_func=lambda name: _(AUGMENTATIONS[name]),
                placeholder=_("none"),
                help=_(
                    "Fine-tuning shows images changed like this. A mirrored scan may mean something else: choose only"
                    " what leaves every label right."
                ),
            )
        if not st.form_submit_button(_("Save from the next round on")):
            return
    values = config.as_dict() | {"target_accuracy": target, "budget": int(budget)}
    values["query"] |= {"strategy": modifiers.compose(modified, strategy), "batch": int(batch)}
    values["learner"] |= {"backbone": backbone.strip() or "auto", "kind": kind, "round_seconds": float(seconds)}
    values["learner"]["finetune"] |= {"augment": augment}
    try:
        project.save(parse(values, _("The form")))
    except LabelerError as error:
        st.error(translate(error))
    else:
        st.success(_("Saved."))


def retrain(project: Project) -> None:
    if st.button(_("Retrain now"), icon=":material/model_training:"):
        with project.store() as store:
            asked = store.rounds.request("retrain now")
        st.toast(_("A round is on its way.") if asked else _("A round is waiting already."))


slugs = projects.in_home(home())
if slugs:
    project = require_project()
    with project.store() as store:
        counts = store.items.counts()
    st.title(project.config.name)
    st.caption(
        _(
            "{modality} · {classes} · pool {pool:,} items, {labeled:,} labeled · holdout {holdout:,} items,"
            " {holdout_labeled:,} labeled",
            modality=_(MODALITIES[project.config.modality]),
            classes=", ".join(project.config.classes),
            pool=counts.pool,
            labeled=counts.labeled,
            holdout=counts.holdout,
            holdout_labeled=counts.holdout_labeled,
        )
    )
    retrain(project)
    with st.expander(_("Import"), expanded=counts.pool == 0):
        bring_in(project)
    with st.expander(_("Settings"), expanded=counts.pool > 0):
        settings(project)
    with st.expander(_("Classes and guidelines")):
        telling(project)
    with st.expander(_("How labeling goes")):
        rules(project)
    with st.expander(_("Team")):
        team(project)
    with st.expander(_("Adapt the backbone to the pool")):
        adapting(project, user)
    with st.expander(_("Search for better settings")):
        tuning(project, user)
    with st.expander(_("Create another project")):
        create()
else:
    st.title(_("Create a project"))
    create()
