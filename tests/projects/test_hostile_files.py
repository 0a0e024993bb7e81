"""Hostile files: each is refused with a sentence that names it or its row, or imported safely; none crashes."""

import io
import pickle
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labeler.core.errors import LabelerError
from labeler.files import pixels, sources
from labeler.files.sources import Row
from labeler.learner.saved_models import load
from tests.support.hostile import CORPUS, LIMITS, Bomb, Hostile, attempt, in_folder, png, table, zip_bytes
from tests.support.scan_files import write_dicom

WHOLE = {".png", ".jpg", ".gif", ".tif", ".webp", ".dcm", ".zip", ".parquet", ".xlsx"}


@pytest.fixture(scope="module")
def whole_files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """A small file of each kind, as bytes."""
    folder = tmp_path_factory.mktemp("whole")
    files = {"." + ("jpg" if k == "JPEG" else "tif" if k == "TIFF" else k.lower()): png(kind=k) for k in PICTURES}
    files[".dcm"] = write_dicom(folder / "a.dcm", np.zeros((4, 4), np.uint16)).read_bytes()
    frame, buffer = pd.DataFrame({"text": ["one", "two"]}), io.BytesIO()
    frame.to_excel(buffer, index=False)
    frame.to_parquet(folder / "t.parquet", index=False)
    return files | {".zip": zip_bytes(), ".xlsx": buffer.getvalue(), ".parquet": (folder / "t.parquet").read_bytes()}


PICTURES = ("PNG", "JPEG", "GIF", "TIFF", "WEBP")


def read_all(path: Path) -> tuple[str, str]:
    """Whether a source was read to its end or refused, and the sentence; an image is looked at as an import does."""
    try:
        if path.suffix in WHOLE - {".zip", ".parquet", ".xlsx"}:
            pixels.check_pixels(path.read_bytes(), LIMITS)
            return "read", ""
        for row in sources.read(path, limits=LIMITS):
            if isinstance(row, Row) and row.image is not None:
                sources.content_of(row.image)
    except LabelerError as error:
        return "refused", str(error)
    except Exception as error:
        return "crashed", repr(error)
    return "read", ""


@pytest.mark.parametrize("hostile", CORPUS, ids=str)
def test_a_hostile_file_is_refused_with_a_sentence_or_imported_safely(hostile: Hostile, tmp_path: Path) -> None:
    outcome, sentence = attempt(hostile, tmp_path / "hostile")
    assert (outcome, hostile.says in sentence) == (hostile.outcome, True), sentence
    assert not Path("/tmp/unpickled-by-labeler").exists()


def test_a_pickle_that_poses_as_weights_is_not_unpickled(tmp_path: Path) -> None:
    path = in_folder("round-0001.safetensors", pickle.dumps(Bomb()))(tmp_path) / "round-0001.safetensors"
    with pytest.raises(LabelerError, match=r"round-0001\.safetensors cannot be read as a model"):
        load(path)
    assert not Path("/tmp/unpickled-by-labeler").exists()


BYTES = st.binary(max_size=200) | st.lists(
    st.sampled_from([b'"', b"'", b",", b"\n", b"\r", b"\0", b"text", b"{", b"}", b"[", b":", b"\xff", "가".encode()]),
    max_size=60,
).map(b"".join)
KINDS = [".csv", ".tsv", ".json", ".jsonl", ".parquet", ".xlsx", ".zip"]


@pytest.mark.parametrize("kind", KINDS)
@given(content=BYTES)
def test_no_bytes_crash_an_importer_of_tables(
    kind: str, content: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    outcome, sentence = read_all(table(f"t{kind}", content)(tmp_path_factory.mktemp("fuzz")))
    assert outcome in ("refused", "read"), sentence


@settings(max_examples=40)
@given(place=st.integers(0, 400), value=st.binary(min_size=1, max_size=8), kind=st.sampled_from(sorted(WHOLE)))
def test_no_damage_crashes_an_importer_of_files(
    place: int, value: bytes, kind: str, whole_files: dict[str, bytes], tmp_path_factory: pytest.TempPathFactory
) -> None:
    whole = whole_files[kind]
    place %= len(whole)
    folder = in_folder(f"t{kind}", whole[:place] + value + whole[place + len(value) :])(tmp_path_factory.mktemp("fuzz"))
    outcome, sentence = read_all(folder / f"t{kind}")
    assert outcome in ("refused", "read"), sentence
