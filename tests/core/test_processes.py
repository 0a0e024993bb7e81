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
print(os.nice(0), group.read_text().split()[-1] if group.exists() else 0)
"""


@pytest.mark.parametrize("leads", [True, False])
def test_a_process_yields_and_a_session_with_the_process_that_leads_it(leads):
    text = subprocess.check_output([sys.executable, "-c", PRIORITIES], text=True, start_new_session=leads)
    nice, of_session = map(int, text.split())
    assert nice == min(os.nice(0) + 7, 19)
    if leads and AUTOGROUP.exists():
        assert of_session == nice
    elif not leads and AUTOGROUP.exists():
        assert of_session == int(AUTOGROUP.read_text().split()[-1])
