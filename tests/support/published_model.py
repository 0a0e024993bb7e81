"""What a published folder says, run as its README tells."""

import re
import subprocess
import sys
from pathlib import Path


def said(folder: Path, given: str) -> list[tuple[str, list[float]]]:
    """What each block of lines in the folder's README prints for `given`: the class, and all probabilities."""
    found = []
    for code in re.findall(r"```python\n(.+?)```", (folder / "README.md").read_text(), re.DOTALL):
        program = f"given = {given!r}\nimport numpy\nnumpy.set_printoptions(precision=9)\n{code}"
        ran = subprocess.run([sys.executable, "-I", "-c", program], cwd=folder, capture_output=True, text=True)
        assert ran.returncode == 0, ran.stderr
        label, _, numbers = ran.stdout.partition(" [")
        found.append((label, [float(n) for n in numbers.strip(" ]\n").split()]))
    return found
