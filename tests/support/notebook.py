"""The notebook of the documentation, run cell by cell."""

import json
from typing import Any

from tests.support.machine import ROOT

FOLDER = 'home / "project"  #'  # where it says what its project lies in


def run_notebook(place: str | None = None) -> dict[str, Any]:
    """The variables of the notebook after its last cell.

    Args: place: the address of its project, in place of a folder.
    """
    cells = json.loads((ROOT / "docs" / "python.ipynb").read_text(encoding="utf-8"))["cells"]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert all(cell["outputs"] == [] for cell in code)
    sources = ["".join(cell["source"]) for cell in code]
    assert sum(FOLDER in source for source in sources) == 1
    names: dict[str, Any] = {}
    for source in sources:
        exec(source.replace(FOLDER, f'"{place}"  #') if place else source, names)
    return names
