"""What becomes of each hostile file: refused with a sentence, imported, or a crash, of which there must be none.

    python -m bench.hostile.corpus            # a line for each file, and the totals
    python -m bench.hostile.corpus --totals   # the totals alone

The files are made by code (`tests/support/hostile.py`), with the small limits that the tests use.
"""

import sys
import tempfile
from collections import Counter
from pathlib import Path

from tests.support.hostile import CORPUS, attempt

LONGEST = 110  # characters of a sentence


def main() -> None:
    totals: Counter[str] = Counter()
    print("| file | became | sentence, or that of its first row |\n|---|---|---|")
    for number, hostile in enumerate(CORPUS):
        with tempfile.TemporaryDirectory() as scratch:
            outcome, sentence = attempt(hostile, Path(scratch) / "hostile")
        totals[outcome] += 1
        totals["as it must"] += outcome == hostile.outcome and hostile.says in sentence
        if "--totals" not in sys.argv:
            shown = sentence.replace(scratch, "…").replace("|", "\\|").encode("ascii", "replace").decode()
            print(f"| {number + 1} {hostile} | {outcome} | {shown[:LONGEST]} |")
    print(
        f"\n{len(CORPUS)} tried: {totals['refused']} refused with a sentence, {totals['imported']} imported,"
        f" {totals['crashed']} crashed; {totals['as it must']} became what they must."
    )


if __name__ == "__main__":
    main()
