"""Where items come from, what its first rows look like, and what each column holds."""

import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from labeler.core.errors import LabelerError
from labeler.core.file_copies import link_or_copy
from labeler.core.items import Modality
from labeler.files.addresses import VARIABLE, Address, Source, allowed
from labeler.files.sources import FOLDER_GROUPS, OBVIOUS, SourceColumns
from labeler.files.uploads import safe_name, source_in
from labeler.formats.preview import (
    Preview,
    apart,
    first_pictures,
    guessed_columns,
    holds_scans,
    preview,
    proposed_classes,
)
from labeler.i18n.markdown import escaped, joined
from labeler.i18n.messages import _, mark, n_, translate
from labeler.projects.drafts import all_labeled
from labeler.projects.scans import EVERY
from labeler.projects.staging import check_modality
from pages.shared import uploads
from pages.shared.access import is_allowed
from pages.shared.cache import cached

WAYS = {
    "files": mark("Upload files"),
    "folder": mark("Upload a folder"),
    "path": mark("Path on the server"),
    "store": mark("Object store"),
    "none": mark("No data yet"),
}
KINDS: dict[Modality, str] = {"text": mark("texts"), "image": mark("images")}
ROWS = 5  # of a table that are shown
PICTURES = 6
SIDE = 200  # pixels of a picture
LETTERS = 120  # of a cell
UPLOADED = "labeler-"  # how the names of folders with uploaded files begin
# Further columns that an import reads, by what they hold.
ROLES = {"label": mark("Known labels"), "split": mark("Marks the holdout"), "group": mark("Groups, such as patients")}
HELPS = {
    "group": mark(
        "A patient, site or customer is wholly in the pool or wholly in the holdout, and intervals are between them:"
        " the accuracy is then that for new ones."
    )
}


@dataclass(frozen=True)
class Chosen:
    """A source that was chosen, and what its columns hold. key: changes with the source.

    modality: of the items. labels: whether the labels of the pool are kept, or asked for. deidentify: whether DICOM
    files lose what identifies patients. dropped: columns of tables that are not stored.
    """

    path: Source
    preview: Preview
    key: str
    columns: SourceColumns
    modality: Modality
    keep_labels: Literal["all", "holdout"] = "all"
    others: tuple[str, ...] = ()
    deidentify: bool = False
    dropped: tuple[str, ...] = ()


def choose_source(name: str, ways: Sequence[str]) -> Source | None:
    """The file, folder or address that was chosen; None while there is none.

    Args: name: of the form, in the keys of widgets. ways: that are offered, of `WAYS`.
    """
    ways = [way for way in ways if way != "path" or is_allowed(None, "read_server_files")]
    if os.environ.get(VARIABLE):
        ways.insert(len(ways) - ("none" in ways), "store")
    chosen = st.radio(_("From"), ways, format_func=lambda way: _(WAYS[way]), horizontal=True, key=f"{name}-way")
    if chosen == "path":
        path = st.text_input(
            _("Path"),
            key=f"{name}-path",
            help=_(
                "A folder of images, a zip of one, a table (CSV, TSV, JSONL, Parquet, XLSX), or a file of Label Studio,"
                " Hugging Face, Prodigy, doccano, COCO, Argilla or RIS."
            ),
        ).strip()
        return Path(path).expanduser() if path else None
    if chosen == "store":
        return _address(name)
    if chosen == "none":
        return None
    files = (
        st.file_uploader(_("A folder of images"), accept_multiple_files="directory", key=f"{name}-folder")
        if chosen == "folder"
        else st.file_uploader(
            _("Images, a zip, or a table"),
            accept_multiple_files=True,
            key=f"{name}-files",
            help=_("Images that a table names are chosen together with it."),
        )
    )
    if not files:
        return None
    try:
        folder = _stored(tuple(file.file_id for file in files), files)
    except LabelerError as error:
        st.error(translate(error))
        return None
    return source_in(Path(folder.name), [file.name for file in files])


def _address(name: str) -> Address | None:
    """The address that was typed; None, and the reason, where this server may not read it."""
    text = st.text_input(
        _("Address"),
        key=f"{name}-address",
        help=_(
            "Such as s3://bucket/scans: all images below it are imported. They stay in the store, and the project keeps"
            " their addresses."
        ),
    )
    try:
        return allowed(text) if text.strip() else None
    except LabelerError as error:
        st.error(translate(error))
        return None


def uploaded_folder(path: Source) -> Path | None:
    """The folder with the uploaded files that a source lies in; None: it lies elsewhere."""
    if isinstance(path, Address):
        return None
    folders = (path, *path.parents)
    return next((f for f in folders if f.parent == uploads.folder() and f.name.startswith(UPLOADED)), None)


@st.cache_resource(scope="session", max_entries=3, show_spinner=False, on_release=tempfile.TemporaryDirectory.cleanup)
def _stored(ids: tuple[str, ...], _files: list[Any]) -> tempfile.TemporaryDirectory[str]:
    """A folder with the uploaded files under their names; it goes with the session.

    Raises: SourceError: one was not taken, as there was no room for it.
    """
    places = [uploads.path_of(file) for file in _files]
    folder = tempfile.TemporaryDirectory(prefix=UPLOADED, dir=uploads.folder(), ignore_cleanup_errors=True)
    for file, place in zip(_files, places, strict=True):
        path = Path(folder.name) / safe_name(file.name)
        path.parent.mkdir(parents=True, exist_ok=True)
        link_or_copy(place, path)
    return folder


def read_source(path: Source, modality: Modality | None = None) -> Chosen | None:
    """The source with its first rows and guesses at its columns; None, and the reason, where it cannot be read.

    Args: modality: of the project that the items are for; None: it is not decided yet.
    """
    try:
        file = path.stat() if isinstance(path, Path) and path.exists() else None
        state = (str(path), file.st_mtime_ns if file else 0, file.st_size if file else 0)
        beginning = cached("preview", state, lambda: apart(preview, path))
        if modality and not beginning.is_table and not beginning.title:
            check_modality(modality, "image", path.name)
        guess = guessed_columns(beginning) if beginning.is_table else OBVIOUS
    except LabelerError as error:
        st.error(translate(error))
        return None
    except OSError as error:
        st.error(_("{source} cannot be read: {strerror}.", source=path, strerror=error.strerror or error))
        return None
    kind: Modality = "text" if guess.text is not None or beginning.columns[:1] == ("text",) else "image"
    return Chosen(path, beginning, "-".join(map(str, state)), guess, modality or kind)


def known_classes(chosen: Chosen) -> tuple[str, ...]:
    """The classes that the labels of a source name. Raises: LabelerError: they cannot be read."""
    source, beginning, label = chosen.path, chosen.preview, chosen.columns.label
    return cached("classes", (chosen.key, label), lambda: apart(proposed_classes, source, beginning, label))


def show_rows(chosen: Chosen) -> None:
    """The first rows of a table, or how many images lie in which folder."""
    beginning = chosen.preview
    if beginning.is_table:
        shown = [dict(zip(beginning.columns, map(_short, row), strict=True)) for row in beginning.rows[:ROWS]]
        if beginning.title:
            st.info(
                _("A file of {title}: items, answers and what it says of them are taken over.", title=beginning.title),
                icon=":material/draft:",
            )
        st.caption(n_("The first row of {name}", "The first {n} rows of {name}", len(shown), name=beginning.name))
        st.dataframe(shown, hide_index=True, width="stretch", placeholder="")
        return
    count = sum(n for _folder, n in beginning.folders)
    folders = [folder for folder, _n in beginning.folders if folder]
    sentence = n_("{n:,} image in {name}", "{n:,} images in {name}", count, name=beginning.name)
    st.caption(f"{sentence} · {joined(', ', folders[:20])}" if folders else sentence)


def _short(cell: str) -> str:
    return cell if len(cell) <= LETTERS else cell[:LETTERS] + " …"


def choose_columns(chosen: Chosen, fixed: Modality | None = None) -> Chosen:
    """The source with the columns that a person has chosen, beginning with the guesses; below them the first images.

    Args: fixed: what the project's items are, where that is decided.
    """
    if chosen.preview.title:
        chosen = replace(chosen, others=chosen.preview.columns[2:])
    else:
        chosen = _choose_columns(chosen, fixed) if chosen.preview.is_table else _choose_groups(chosen)
    keep: Literal["all", "holdout"] = "all"
    if _may_forget(chosen):
        every = all_labeled(chosen.preview, chosen.preview.label or chosen.columns.label)
        if st.checkbox(
            _("Keep only the holdout's known labels, and ask for the others"),
            every,
            key=f"keep-{chosen.key}-{chosen.columns.label}",
            help=_("If every item has a label, nothing is left to ask about.") if every else None,
        ):
            keep = "holdout"
    if chosen.modality == "image" and _holds_scans(chosen):
        chosen = _choose_privacy(chosen)
    if chosen.others or (chosen.preview.is_table and chosen.columns.group):
        chosen = _drop_columns(chosen)
    if chosen.modality == "image":
        _show_pictures(chosen)
    return replace(chosen, keep_labels=keep)


def _choose_groups(chosen: Chosen) -> Chosen:
    """What the images of a folder are grouped by: the patient that a DICOM file names, or the folder."""
    names = {"": _("none")}
    if _holds_scans(chosen):
        names["PatientID"] = _("the patient, by the field PatientID")
    if len(chosen.preview.folders) > 1:
        names[FOLDER_GROUPS] = _("the folder of each image")
    if len(names) == 1:
        return chosen
    usual = chosen.columns.group or ("PatientID" if "PatientID" in names else "")
    names.setdefault(usual, usual)
    group = st.selectbox(
        _("Groups, such as patients"),
        [*names],
        [*names].index(usual),
        format_func=names.__getitem__,
        key=f"group-{chosen.key}",
        help=_(HELPS["group"]),
    )
    return replace(chosen, columns=replace(chosen.columns, group=group or None))


def _holds_scans(chosen: Chosen) -> bool:
    """Whether one of the first images is a DICOM file."""

    columns = replace(chosen.columns, group=None)
    try:
        key = (chosen.key, chosen.columns.image)
        return cached("holds-scans", key, lambda: apart(holds_scans, chosen.path, columns, PICTURES))
    except LabelerError:  # it is said where the images are shown
        return False


def _choose_privacy(chosen: Chosen) -> Chosen:
    """Whether the files lose what identifies patients."""
    remove = st.checkbox(
        _("Remove from the DICOM files what identifies patients"),
        chosen.deidentify,
        key=f"deidentify-{chosen.key}",
        help=_(
            "Only the pixels, the fields that draw them, and the fields of the setting `dicom.keep` are stored; names"
            " of folders and groups become pseudonyms. The files that you import from stay as they are."
        ),
    )
    if not remove:
        st.warning(
            _("Names, numbers and dates of patients would be stored with the images."), icon=":material/shield_person:"
        )
    return replace(chosen, deidentify=remove)


def _drop_columns(chosen: Chosen) -> Chosen:
    """The source without the columns that are not to be stored; those that are stored are named."""
    group = chosen.columns.group
    columns = [*chosen.others, *([group] if group else [])]
    before = [name for name in columns if name in chosen.dropped or EVERY in chosen.dropped]
    dropped = st.multiselect(
        _("Columns that are not stored"),
        columns,
        before,
        key=f"dropped-{chosen.key}-{chosen.columns}",
        placeholder=_("Every column is stored"),
        help=_("Such as names and numbers of people. The groups get pseudonyms if their column is not stored."),
    )
    clear = [name for name in columns if name not in dropped]
    others = tuple(name for name in chosen.others if name in clear)
    if chosen.modality == "image" and chosen.deidentify and clear:
        st.warning(
            _("These columns of the table would be stored as they are: {names}.", names=", ".join(clear)),
            icon=":material/shield_person:",
        )
    elif others:
        st.caption(
            _(
                "The other columns stay with each item and are taken out with its label: {names}.",
                names=", ".join(others),
            )
        )
    elsewhere = [name for name in chosen.dropped if name not in (*columns, EVERY)]
    return replace(chosen, others=others, dropped=(*elsewhere, *dropped))


def _may_forget(chosen: Chosen) -> bool:
    label = chosen.preview.label
    if label is not None:
        return any(chosen.preview.values(label))
    return chosen.columns.label is not None or len(chosen.preview.folders) > 1


def _choose_columns(chosen: Chosen, fixed: Modality | None) -> Chosen:
    names, guess = list(chosen.preview.columns), chosen.columns
    places = st.columns((1 if fixed else 2) + len(ROLES), vertical_alignment="bottom")
    content = places[0].selectbox(
        _("Column to label"), names, names.index(guess.text or guess.image or names[0]), key=f"content-{chosen.key}"
    )
    modality = fixed or _kind(places[1], "image" if guess.image == content else "text", f"{chosen.key}-{content}")
    named: dict[str, str | None] = {modality: content}
    for place, (role, title) in zip(places[-len(ROLES) :], ROLES.items(), strict=True):
        options = [None, *(name for name in names if name != content)]
        value = getattr(guess, role)
        named[role] = place.selectbox(
            _(title),
            options,
            options.index(value) if value in options else 0,
            format_func=lambda name: _("none") if name is None else name,
            key=f"{role}-{chosen.key}-{content}",
            help=_(HELPS[role]) if role in HELPS else None,
        )
    others = tuple(name for name in names if name not in named.values())
    return replace(chosen, columns=SourceColumns(**named), modality=modality, others=others)


def _kind(place: DeltaGenerator, guess: Modality, key: str) -> Modality:
    kinds: list[Modality] = [*KINDS]
    return place.selectbox(
        _("It holds"),
        kinds,
        kinds.index(guess),
        format_func=lambda kind: _(KINDS[kind]),
        key=f"kind-{key}",
        help=_("Images are named by their paths, relative to the table."),
    )


def _show_pictures(chosen: Chosen) -> None:
    """The first images, so that a wrong column or folder is seen before the import."""
    key, columns = (chosen.key, chosen.columns), replace(chosen.columns, group=None)
    try:
        pictures = cached("first-images", key, lambda: apart(first_pictures, chosen.path, columns, PICTURES, SIDE))
    except LabelerError as error:
        st.error(translate(error))
        return
    if not pictures:
        st.warning(_("None of the first rows names an image that is there."), icon=":material/broken_image:")
    with st.container(horizontal=True):
        for picture, caption in pictures:
            st.image(picture, caption=escaped(caption), width=SIDE // 2)
