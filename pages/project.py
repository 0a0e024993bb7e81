"""Create a project, import items, choose what learns and what asks, retrain now."""

import tempfile
from collections.abc import Callable
from pathlib import Path

import streamlit as st

import strategies
from labeler import project as projects
from labeler.access import home
from labeler.config import parse
from labeler.errors import LabelerError
from labeler.importer import import_source
from labeler.project import Project
from labeler.types import ImportReport
from pages.adapting import adapting
from pages.session import choose, require_project, require_user
from pages.tuning import tuning
from strategies import modifiers

ANSWERS = {"one": "one class an item", "several": "several classes an item, or none"}
LEARNERS = {
    "auto": "auto: fine-tunes from 100 labels on",
    "frozen": "frozen: retrains in seconds",
    "finetune": "finetune: from 30 labels on",
}
AUGMENTATIONS = {
    "flip": "mirrored left to right",
    "flip_vertical": "mirrored top to bottom",
    "crop": "a part of it, enlarged",
    "colour": "other brightness and colours",
    "noise": "noise",
}
MODIFIERS = {"distinct": "no near-duplicates in a batch", "balanced": "more of rare predicted classes"}

user = require_user()


def create() -> None:
    with st.form("create", border=False):
        name = st.text_input("Name", placeholder="Brain MRI")
        modality = st.radio("What is labeled", ["image", "text"], horizontal=True)
        answers = st.radio("Classes of an item", [*ANSWERS], format_func=lambda kind: ANSWERS[kind], horizontal=True)
        classes = st.text_area("Classes, one a line", placeholder="glioma\nmeningioma\npituitary\nnone")
        if not st.form_submit_button("Create project", type="primary"):
            return
    try:
        names = [c.strip() for c in classes.splitlines() if c.strip()]
        values = {"name": name.strip(), "classes": names, "modality": modality, "answers": answers}
        config = parse(values, "The form")
        project = projects.create(home() / projects.slug(name), config)
    except LabelerError as error:
        st.error(str(error))
        return
    choose("project", project.slug)
    st.rerun()


def bring_in(project: Project) -> None:
    where = st.radio("From", ["Upload", "Path on the server"], horizontal=True)
    kinds = "a folder of images, a zip of one, or a table (CSV, TSV, JSONL, Parquet, XLSX)"
    with st.form("import", border=False):
        if where == "Upload":
            files = st.file_uploader("Images, a zip, or a table", accept_multiple_files=True)
        else:
            path = st.text_input("Path", help=kinds)
        columns = st.columns(3)
        content = columns[0].text_input(
            "Column of texts" if project.config.modality == "text" else "Column of image paths",
            help="Left empty, an obvious one is taken. Not used for folders and zips.",
        )
        label = columns[1].text_input("Column of known labels", help="Left empty: none are read from a table.")
        split = columns[2].text_input("Column that says what is held out", help="`test` or `holdout` is held out.")
        keep = st.checkbox("Keep known labels of the holdout only, and ask for the others")
        if not st.form_submit_button("Import", type="primary"):
            return
    named = {"text_column" if project.config.modality == "text" else "image_column": content or None}
    bar = st.progress(0.0, text="Reading …")

    def report(done: int, total: int) -> None:
        bar.progress(min(done / total, 1.0) if total else 0.0, text=f"{done:,} rows read")

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
        result = _import_uploads(files, run) if where == "Upload" else run(Path(path).expanduser())
    except LabelerError as error:
        st.error(str(error))
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
        f"{report.added:,} items added, {report.duplicates:,} already there, {report.labels_added:,} labels."
        f" The pool has {report.pool:,} items, the holdout {report.holdout:,}."
    )
    if report.problems:
        st.warning(f"{len(report.problems):,} rows could not be imported:")
        st.dataframe([{"where": p.source, "why": p.reason} for p in report.problems], hide_index=True, width="stretch")


def settings(project: Project) -> None:
    config = project.config
    with strategies.strategies_of(project.strategies) as broken:
        known = strategies.registered()
    for problem in (*strategies.broken, *broken):
        st.warning(str(problem), icon=":material/extension_off:")
    modified, current = modifiers.decompose(config.query.strategy)
    names = [*known] if current in known else [current, *known]
    with st.form("settings", border=False):
        columns = st.columns(2)
        strategy = columns[0].selectbox(
            "Query strategy",
            names,
            names.index(current),
            format_func=lambda n: f"{n} ({known[n].family})" if n in known else n,
        )
        modified = columns[1].multiselect(
            "Modifiers",
            [*modifiers.MODIFIERS],
            [*dict.fromkeys(modified)],
            format_func=lambda name: MODIFIERS.get(name, name),
            help="None, or more of them; the first has the last word.",
        )
        backbone = columns[0].text_input(
            "Backbone", config.learner.backbone, help="`auto`, a timm or Hugging Face name, or a folder of weights."
        )
        kind = columns[1].selectbox(
            "Learner", [*LEARNERS], [*LEARNERS].index(config.learner.kind), format_func=lambda kind: LEARNERS[kind]
        )
        batch = columns[0].number_input("Labels between rounds", 1, 100_000, config.query.batch)
        target = columns[0].number_input("Target accuracy", 0.0, 1.0, config.target_accuracy, 0.01)
        budget = columns[1].number_input("Budget (labels in all)", 1, 10_000_000, config.budget)
        seconds = columns[1].number_input(
            "Seconds that training may take",
            1,
            86_400,
            int(config.learner.round_seconds),
            help="Fine-tuning takes fewer epochs if all would take longer. Labeling goes on meanwhile.",
        )
        augment: list[str] = list(config.learner.finetune.augment)
        if config.modality == "image":
            augment = st.multiselect(
                "An image still means the same when it is …",
                [*AUGMENTATIONS],
                augment,
                format_func=lambda name: AUGMENTATIONS[name],
                help="Fine-tuning shows images changed like this. A mirrored scan may mean something else: choose"
                " only what leaves every label right.",
            )
        if not st.form_submit_button("Save from the next round on"):
            return
    values = config.as_dict() | {"target_accuracy": target, "budget": int(budget)}
    values["query"] |= {"strategy": modifiers.compose(modified, strategy), "batch": int(batch)}
    values["learner"] |= {"backbone": backbone.strip() or "auto", "kind": kind, "round_seconds": float(seconds)}
    values["learner"]["finetune"] |= {"augment": augment}
    try:
        project.save(parse(values, "The form"))
    except LabelerError as error:
        st.error(str(error))
    else:
        st.success("Saved.")


def retrain(project: Project) -> None:
    if st.button("Retrain now", icon=":material/model_training:"):
        with project.store() as store:
            asked = store.request_round("retrain now")
        st.toast("A round is on its way." if asked else "A round is waiting already.")


slugs = projects.in_home(home())
if slugs:
    project = require_project()
    with project.store() as store:
        counts = store.counts()
    st.title(project.config.name)
    st.caption(
        f"{project.config.modality} · {', '.join(project.config.classes)} · pool {counts.pool:,} items,"
        f" {counts.labeled:,} labeled · holdout {counts.holdout:,} items, {counts.holdout_labeled:,} labeled"
    )
    retrain(project)
    with st.expander("Import", expanded=counts.pool == 0):
        bring_in(project)
    with st.expander("Settings", expanded=counts.pool > 0):
        settings(project)
    with st.expander("Adapt the backbone to the pool"):
        adapting(project, user)
    with st.expander("Search for better settings"):
        tuning(project, user)
    with st.expander("Create another project"):
        create()
else:
    st.title("Create a project")
    create()
