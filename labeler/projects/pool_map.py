"""The map of a project's pool: kept in a file beside the embeddings, until the next one takes its place."""

from dataclasses import dataclass
from zipfile import BadZipFile

import numpy as np

from labeler.core.whole_files import whole_file
from labeler.projects.project import Project

FILE = "map.npz"


@dataclass(frozen=True)
class PoolMap:
    """A sample of the pool in two dimensions.

    items: (n,) int ids. places: (n, 2) float from 0 to 1. pool: number of items that the sample was drawn from.
    encoder: the key of the encoder whose features were read.
    """

    items: np.ndarray
    places: np.ndarray
    pool: int
    encoder: str


def keep(project: Project, drawn: PoolMap) -> None:
    """Write the file of a project's map, whole or not at all."""
    project.embeddings.mkdir(exist_ok=True)
    with whole_file(project.embeddings / FILE) as part, part.open("wb") as file:
        np.savez(
            file, items=drawn.items, places=drawn.places, pool=np.array(drawn.pool), encoder=np.array(drawn.encoder)
        )


def kept(project: Project) -> PoolMap | None:
    """The map that was kept; None where there is none."""
    try:
        with np.load(project.embeddings / FILE) as arrays:
            return PoolMap(arrays["items"], arrays["places"], int(arrays["pool"]), str(arrays["encoder"]))
    except (OSError, ValueError, KeyError, BadZipFile):
        return None
