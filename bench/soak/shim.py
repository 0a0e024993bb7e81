"""A library that is loaded before the C library: it makes fsync fail and moves the clock in processes that run."""

import os
import shutil
import struct
import subprocess
from pathlib import Path

SOURCE = Path(__file__).with_suffix(".c")


class Shim:
    """The words that the library reads, in a file that is mapped into each process."""

    def __init__(self, folder: Path) -> None:
        """
        Args: folder: for the library and the file; on a disk that does not get full.
        """
        self.library, self.words = folder / "shim.so", folder / "faults"
        self.words.write_bytes(struct.pack("qq", 0, 0))
        compiler = shutil.which("cc")
        self.is_there = compiler is not None and os.name == "posix"
        if compiler and self.is_there:
            options = ["-shared", "-fPIC", "-O1", "-o", str(self.library), str(SOURCE), "-ldl"]
            subprocess.run([compiler, *options], check=True)

    def environment(self) -> dict[str, str]:
        """Variables of processes that are to have these faults."""
        return {"LD_PRELOAD": str(self.library), "LABELER_FAULTS": str(self.words)} if self.is_there else {}

    def set(self, fsync_fails: bool = False, clock_offset: int = 0) -> None:
        """Have these faults from now on, and no other. Args: clock_offset: seconds that the clock is ahead."""
        with self.words.open("r+b") as file:
            file.write(struct.pack("qq", fsync_fails, clock_offset))
