"""Work on a Ray cluster of this machine: two nodes that listen on 127.0.0.1. Skipped where Ray is not installed."""

import os
import socket

import pytest

from labeler.core.errors import EngineError
from labeler.engine.engines import engine_of

os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"  # else Ray replaces 127.0.0.1 by an address of the network

pytest.importorskip("ray")

from labeler.core.settings import EngineConfig


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def test_a_cluster_that_does_not_answer_is_told_at_once_and_in_a_sentence():
    engine = engine_of(EngineConfig("ray", f"127.0.0.1:{free_port()}"))
    with pytest.raises(EngineError, match=r"127\.0\.0\.1:\d+ cannot be reached .*The work waits"):
        engine.call(os.getpid)
