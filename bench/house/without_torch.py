"""The requirements that a quick look with another Python needs, one a line: all but torch and what needs it.

Run: python -m bench.house.without_torch
"""

import argparse
import tomllib
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2] / "pyproject.toml"
NEED_TORCH = ("torch", "onnxscript")


def requirements() -> list[str]:
    project = tomllib.loads(PROJECT.read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    listed = [*project["dependencies"], *extras["dicom"], *extras["test"]]
    return [requirement for requirement in listed if not requirement.startswith(NEED_TORCH)]


def main() -> None:
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    print("\n".join(requirements()))


if __name__ == "__main__":
    main()
