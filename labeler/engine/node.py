"""What runs on the machines of a cluster: a function that was sent once, on one chunk after the other."""

import os
import sys
from dataclasses import dataclass
from typing import Any

from labeler.core.errors import LabelerError
from labeler.core.memory import batches_halved
from labeler.core.processes import use_cores
from labeler.core.version import __version__
from labeler.engine.protocol import Function

# Imports of ray are deferred: it is an extra. Those of threadpoolctl: only nodes need it.


@dataclass(frozen=True)
class About:
    """What a process of a node has to know.

    version: of who asks. threads: that it may use. halved: how often batches are halved.
    """

    version: str
    threads: int
    halved: int


_functions: dict[str, Function[Any, Any]] = {}  # the last one that this process was sent, by its reference


def work(boxed: list[Any], chunk: bytes, about: About) -> bytes:
    """Whether the function had a result for a chunk, that or its error, and how many parts it reported, as bytes.

    Args: boxed: the reference of the function's bytes, in a list: Ray would read a bare one anew for each chunk.
    """
    from ray import cloudpickle

    done = 0

    def report(parts: int) -> None:
        nonlocal done
        done += parts

    try:
        if about.version != __version__:
            raise LabelerError(
                "A machine of the cluster has version {there} of labeler, and this one has {here}: install the same.",
                there=__version__,
                here=about.version,
            )
        _use_threads(about.threads)
        with batches_halved(about.halved):
            value = _function_of(boxed[0])(cloudpickle.loads(chunk), report)
        return cloudpickle.dumps((True, value, done))
    except Exception as error:
        try:
            return cloudpickle.dumps((False, error, done))
        except Exception:  # an error may hold what cannot travel
            return cloudpickle.dumps((False, RuntimeError(f"{type(error).__name__}: {error}"), done))


def _function_of(reference: Any) -> Function[Any, Any]:
    import ray
    from ray import cloudpickle

    key = reference.hex()
    if key not in _functions:
        _functions.clear()
        _functions[key] = cloudpickle.loads(ray.get(reference))
    return _functions[key]


def _use_threads(threads: int) -> None:
    from threadpoolctl import threadpool_limits

    use_cores(threads)
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):  # of libraries that load later
        os.environ[name] = str(threads)
    threadpool_limits(threads)
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(threads)
