"""`python -m labeler`."""

import os

# Before anything loads OpenMP: threads that wait for each other sleep instead of spinning. The app answers annotators
# on the same cores, and beside another busy process a round trains several times faster.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

from labeler.cli import main

main()
