"""Processes that run beside the app leave the processor to it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

AUTOGROUP = Path("/proc/self/autogroup")
PRIORITIES = """
import os
from pathlib import Path
from labeler.core.processes import yield_to_others
yield_to_others(7)
group = Path("/proc/self/autogroup")
print(os.nice(0), *(group.read_text().split()[-1:] if group.exists() else []))
"""


def test_nothing_yields_where_the_environment_says_so():
    variables = os.environ | {"LABELER_NICENESS": "0"}
    text = subprocess.check_output([sys.executable, "-c", PRIORITIES], text=True, env=variables)
    assert int(text.split()[0]) == os.nice(0)


@pytest.mark.parametrize("leads", [True, False])
def test_a_process_yields_and_a_session_with_the_process_that_leads_it(leads):
    variables = os.environ | {"LABELER_NICENESS": "19"}
    text = subprocess.check_output(
        [sys.executable, "-c", PRIORITIES], text=True, start_new_session=leads, env=variables
    )
    nice, *of_session = map(int, text.split())
    assert nice == min(os.nice(0) + 7, 19)
    if of_session and leads:
        assert of_session == [nice]
    elif of_session:  # a process outside every group of sessions reads an empty file
        assert of_session == [int(AUTOGROUP.read_text().split()[-1])]
