"""Density-weighted: ask about items that are both doubtful and like many others."""

import numpy as np

from strategies.base import Candidates, scores
from strategies.blocks import by_rows, rows
from strategies.uncertainty import shannon

FAMILY = "density-weighted"


def density(embeddings: np.ndarray) -> np.ndarray:
    """The mean similarity (1 + cosine) / 2 of each item to all items, itself among them.

    Exact in O(n · d): the mean of x̂·x̂ⱼ over all j is x̂ times the mean of the x̂ⱼ, so no pair is ever compared.
    A row of zeros has cosine 0 to all others. (1 + cosine) / 2 keeps the order of the cosine and is never below 0.

    Args:    embeddings: (n, d) float.
    Returns: (n,) from 0 (opposite to all) to 1 (in the direction of all).
    """
    norms = np.sqrt(by_rows(lambda x: np.einsum("ij,ij->i", x, x), embeddings))
    inverse = np.divide(1, norms, out=np.zeros_like(norms), where=norms > 0)
    mean = np.zeros(embeddings.shape[1])
    for part, x in rows(embeddings):  # weighted sums of rows in place of a normalised copy; in double precision
        mean += inverse[part] @ x
    mean = (mean / len(embeddings)).astype(norms.dtype)
    # einsum and not @: it adds up every row in the same way, so that equal items have equal densities
    cosine = by_rows(lambda x: np.einsum("ij,j->i", x, mean), embeddings) * inverse
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
    return by_rows(shannon, c.proba) * density(c.embeddings)
