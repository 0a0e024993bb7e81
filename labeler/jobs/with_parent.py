"""Runs a module as `python -m` does, in a process that is killed as soon as the one that started it ends.

`labeler serve` runs Streamlit so: if it is killed itself, nothing is left on its port.
"""

import runpy
import signal
import sys

from labeler.core.processes import end_with_starter


def main() -> None:
    """Run the module that the command line names, with the arguments after it."""
    end_with_starter(signal.SIGKILL)
    sys.argv = sys.argv[1:]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
