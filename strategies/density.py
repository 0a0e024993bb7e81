"""Density-weighted: ask about items that are both doubtful and like many others."""

import numpy as np

from strategies.base import Candidates, scores
from strategies.uncertainty import shannon

FAMILY = "density-weighted"

BLOCK = 4096  # rows read at a time


def density(embeddings: np.ndarray) -> np.ndarray:
    """The mean similarity (1 + cosine) / 2 of each item to all items, itself among them.

    Exact in O(n · d): the mean of x̂·x̂ⱼ over all j is x̂ times the mean of the x̂ⱼ, so no pair is ever compared.
    A row of zeros has cosine 0 to all others. (1 + cosine) / 2 keeps the order of the cosine and is never below 0.

    Args:    embeddings: (n, d) float.
    Returns: (n,) from 0 (opposite to all) to 1 (in the direction of all).
    """
    blocks = [slice(start, start + BLOCK) for start in range(0, len(embeddings), BLOCK)]
    norms = np.sqrt(np.concatenate([np.einsum("ij,ij->i", embeddings[rows], embeddings[rows]) for rows in blocks]))
    inverse = np.divide(1, norms, out=np.zeros_like(norms), where=norms > 0)
    mean = np.zeros(embeddings.shape[1])
    for rows in blocks:  # weighted sums of rows in place of a normalised copy of the pool; added up in double precision
        mean += inverse[rows] @ embeddings[rows]
    mean = (mean / len(embeddings)).astype(embeddings.dtype, copy=False)
    # einsum and not @: it adds up every row in the same way, so that equal items have equal densities
    cosine = np.concatenate([np.einsum("ij,j->i", embeddings[rows], mean) for rows in blocks]) * inverse
    return (1 + np.clip(cosine, -1, 1)) / 2


@scores(needs=("proba", "embeddings"))
def information_density(c: Candidates, rng: np.random.Generator) -> np.ndarray:
    """Entropy times the mean similarity to the whole pool. Doubtful outliers, of which little is learned, come late.

    The density is exact, over all candidates and with exponent β = 1. On centred embeddings all densities lie near ½
    and entropy decides.

    Args:    c: with proba and embeddings.
    Returns: (n,) nats, from 0 to log C; higher is asked first.
    Source:  Settles & Craven 2008, section 3.4; Settles 2010, section 3.6.
    """
    assert c.proba is not None
    assert c.embeddings is not None
    return shannon(c.proba) * density(c.embeddings)
