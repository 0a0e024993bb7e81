"""What a store said of the object behind an item, as the tables keep it."""

import json
from dataclasses import asdict

from labeler.core.items import StoredObject


def dump_object(stored: StoredObject | None) -> str | None:
    return None if stored is None else json.dumps(asdict(stored))


def load_object(text: str | None) -> StoredObject | None:
    return None if text is None else StoredObject(**json.loads(text))
