"""How fast encoders are on this machine, as far as they have been used here."""

import json
from collections.abc import Mapping

from labeler.backbones.weights import cache_folder
from labeler.core.whole_files import write_whole

FILE = "speeds.json"
ENOUGH = 256  # items that a measurement needs: the first ones load the network


def measured() -> Mapping[str, float]:
    """Items a second by the encoder's name; images at the size that was used last."""
    try:
        return dict(json.loads((cache_folder() / FILE).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return {}


def keep(name: str, items: int, seconds: float) -> None:
    """Remember the latest measurement of an encoder, if it is of enough items."""
    if items < ENOUGH or seconds <= 0:
        return
    cache_folder().mkdir(parents=True, exist_ok=True)
    write_whole(cache_folder() / FILE, json.dumps({**measured(), name: round(items / seconds, 1)}))
