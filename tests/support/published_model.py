"""What a published folder answers, run as its README tells."""

import re
import subprocess
import sys
from pathlib import Path

# Each block of lines begins with nothing but `given`; all share a process, for torch is slow to load.
PROGRAM = """
import numpy
numpy.set_printoptions(precision=9)
for lines in {blocks!r}:
    exec(lines, {{"given": {given!r}}})
    print("---")
"""


def readme_answers(folder: Path, given: str) -> list[tuple[str, list[float]]]:
    """What each block of lines in the folder's README prints for `given`: the class, and all probabilities."""
    blocks = re.findall(r"```python\n(.+?)```", (folder / "README.md").read_text(), re.DOTALL)
    program = PROGRAM.format(blocks=blocks, given=given)
    process = subprocess.run([sys.executable, "-I", "-c", program], cwd=folder, capture_output=True, text=True)
    assert process.returncode == 0, process.stderr
    answers = []
    for output in process.stdout.split("---\n")[:-1]:
        label, _, numbers = output.partition(" [")
        answers.append((label, [float(n) for n in numbers.strip(" ]\n").split()]))
    return answers
