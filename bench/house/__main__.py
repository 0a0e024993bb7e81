"""How the house is built, before and after: a table of a git revision beside the working tree.

Run: python -m bench.house [--revision REVISION] [--seconds-before SECONDS] [--seconds SECONDS]

The seconds of the suite after are those of the latest `make test` on this machine (.pytest_cache/suite/), and those
before are recorded in bench/house/suite.json, unless options give them.
"""

import io
import json
import subprocess
import tarfile
import tempfile
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree

import click

from bench.house.functions import MOST_LINES, MOST_PARAMETERS, functions
from bench.house.imports import between_rooms, circles, graph, modules, room_of

ROOT = Path(__file__).resolve().parents[2]
RECORDED = Path(__file__).with_name("suite.json")
LATEST = ROOT / ".pytest_cache" / "suite"


def rooms(root: Path) -> Counter[str]:
    """Modules of `labeler` in each of its rooms, `__init__` included."""
    package = root / "labeler"
    parts = [path.relative_to(package).parts for path in modules(root, "labeler").values()]
    return Counter(inside[0] for inside in parts if len(inside) > 1)


def figures(root: Path) -> dict[str, int]:
    """What can be counted in a tree of files."""
    edges, in_rooms = graph(root, "labeler"), rooms(root)
    pairs = between_rooms(edges)
    edges_of_rooms: dict[str, set[str]] = {room_of(module): set() for module in edges}
    for first, second in pairs:
        edges_of_rooms[first].add(second)
    large = [f for package in ("labeler", "strategies") for f in functions(root, package) if f.is_large]
    return {
        "modules of labeler": len(edges),
        "… flat in labeler/": len([path for path in (root / "labeler").glob("*.py") if not path.stem.startswith("__")]),
        "rooms": len(in_rooms),
        "modules in the largest room": max(in_rooms.values(), default=0),
        "imports between modules": sum(map(len, edges.values())),
        "imports between rooms or flat modules": len(pairs),
        "circles of modules": len(circles(edges)),
        "circles of rooms or flat modules": len(circles(edges_of_rooms)),
        f"functions over {MOST_LINES} lines or {MOST_PARAMETERS} parameters": len(large),
        "… without a reason": len([function for function in large if not function.is_explained]),
        "words in README.md": len((root / "README.md").read_text(encoding="utf-8").split()),
    }


def figures_of(revision: str) -> dict[str, int]:
    """The same of a git revision."""
    command = ["git", "archive", "--format=tar", revision, "labeler", "strategies", "README.md"]
    archive = subprocess.run(command, cwd=ROOT, check=True, capture_output=True).stdout
    with tempfile.TemporaryDirectory() as folder, tarfile.open(fileobj=io.BytesIO(archive)) as files:
        files.extractall(folder, filter="data")
        return figures(Path(folder))


def seconds_before(revision: str) -> float | None:
    recorded = json.loads(RECORDED.read_text(encoding="utf-8"))
    return recorded.get(revision)


def seconds_now() -> float | None:
    """Of the longer part of the tests: the parts run at once."""
    suites = [suite for path in LATEST.glob("*.xml") for suite in ElementTree.parse(path).getroot().iter("testsuite")]
    return max((float(suite.get("time", 0)) for suite in suites), default=None)


@click.command()
@click.option("--revision", default="37402da", show_default=True, help="The tree before.")
@click.option("--seconds-before", "before", type=float, help="Of the suite, before.")
@click.option("--seconds", "after", type=float, help="Of the suite, in the working tree.")
def main(revision: str, before: float | None, after: float | None) -> None:
    """Print how the house is built, before and after."""
    old, new = figures_of(revision), figures(ROOT)
    rows: list[tuple[str, ...]] = [(name, str(old[name]), str(new[name])) for name in new]
    spans = [before if before is not None else seconds_before(revision), after if after is not None else seconds_now()]
    rows.append(("seconds of the suite", *("not measured" if span is None else f"{span:.0f}" for span in spans)))
    head = ("", revision, "working tree")
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    for name, *values in [head, *rows]:
        cells = [value.rjust(width) for value, width in zip(values, widths[1:], strict=True)]
        click.echo("  ".join([name.ljust(widths[0]), *cells]))
    click.echo("\nmodules a room: " + ", ".join(f"{room} {n}" for room, n in sorted(rooms(ROOT).items())))


if __name__ == "__main__":
    main()
