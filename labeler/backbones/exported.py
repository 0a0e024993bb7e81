"""Networks that were exported to ONNX, run on the CPU without torch, which takes seconds and 500 MB to load."""

import logging
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np

from labeler.backbones.weights import cache_folder
from labeler.core.processes import cores

# Imports of onnxruntime are deferred: it is slow to load, and what runs on torch alone does without it.

logger = logging.getLogger(__name__)

# Arrays of one batch in, the array that the network makes of them out.
Run = Callable[..., np.ndarray]


def file_of(key: str) -> Path:
    """Where a network is exported to. Args: key: identifies its weights and layout."""
    return cache_folder() / "onnx" / f"{key}.onnx"


def kept(key: str) -> Run | None:
    """The network that was exported under this key before; None: there is no file, or none that can be loaded.

    A file that cannot be loaded is removed, so that it is made again.
    """
    path = file_of(key)
    if not path.exists():
        return None
    try:
        return in_onnxruntime(path)
    except Exception as error:  # what ONNX Runtime raises has no common class
        logger.warning("%s cannot be loaded and is exported again: %s", path, error)
        with suppress(OSError):
            path.unlink()
        return None


def in_onnxruntime(path: Path) -> Run:
    """A function that runs an exported network on the CPU."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = cores()
    # idle threads sleep: the web server answers annotators on the same cores
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    names = [node.name for node in session.get_inputs()]

    def run(*arrays: np.ndarray) -> np.ndarray:
        # the file has no input that the network does not use
        inputs = {f"input_{number}": array for number, array in enumerate(arrays)}
        return session.run(None, {name: inputs[name] for name in names})[0]

    return run
