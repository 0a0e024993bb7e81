"""The card of a Hugging Face data set, which the hub shows as its page."""

import json
from collections.abc import Mapping

from labeler.formats.base import Description


def card_of(project: Description, counts: Mapping[str, int]) -> str:
    """The card, with the facts that the hub reads before it. Args: counts: of the items in each split."""
    total = sum(counts.values())
    largest = next((n for n in (1_000, 10_000, 100_000, 1_000_000, 10_000_000) if total < n), 100_000_000)
    size = "n<1K" if largest == 1_000 else f"{_short(largest // 10)}<n<{_short(largest)}"
    facts = {
        "pretty_name": project.name,
        "task_categories": [f"{project.modality}-classification"],
        "size_categories": [size],
        "configs": [
            {
                "config_name": "default",
                "data_files": [{"split": split, "path": f"data/{split}-*.parquet"} for split in counts],
            }
        ],
    }
    # JSON is YAML, too
    head = "".join(f"{name}: {json.dumps(value, ensure_ascii=False)}\n" for name, value in facts.items())
    named = ", ".join(f"`{name}`" for name in project.classes)
    sides = ", ".join(f"{n:,} in `{split}`" for split, n in counts.items())
    return f"""---
{head}---

# {project.name}

{total:,} items, {sides}. `test` is the holdout: drawn at random once and never chosen by a query strategy, so that it
measures a model without bias. The items of `train` were chosen by a model or at random, as the answers say.

| column | holds |
|---|---|
| `{project.modality}` | the item |
| `label` | its class{"es" if project.several else ""}, of {named}; empty without a label |
| `answers` | who answered what and when, and why the item was asked |
| `decision` | what a lead decided |
| the others | as they were imported |
"""


def _short(n: int) -> str:
    return f"{n // 1_000_000}M" if n >= 1_000_000 else f"{n // 1_000}K"
