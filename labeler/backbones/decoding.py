"""Image files → pixels of one size, on all cores."""

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from typing import Any

import numpy as np

from labeler.core.processes import cores, may_have_gpu
from labeler.files.object_cache import fetch_ahead

# Imports of joblib and of labeler.backbones.devices are deferred: many images and a GPU need them alone.

logger = logging.getLogger(__name__)

MOST_THREADS = 8  # more wait for each other: half of decoding an image holds Python's lock
FEWEST_CORES, FEWEST = 4, 128  # from which on processes pay, for so many images at a time
AT_ONCE = 16  # images that a process decodes before it hands them over
IDLE = 60  # seconds after which processes without work end

# A picture and the side in pixels in, (3, size, size) bytes out.
Read = Callable[[Any, int], np.ndarray]


def decoded(pictures: Sequence[Any], size: int, read: Read) -> list[np.ndarray]:
    """What `read` makes of each picture. A GPU is fed by processes, which decode four times as fast as threads.

    Args: read: a function of a module, so that another process finds it.
    """
    if len(pictures) >= FEWEST and cores() >= FEWEST_CORES and _gpu_waits():
        from joblib import Parallel, delayed

        parts = [pictures[start : start + AT_ONCE] for start in range(0, len(pictures), AT_ONCE)]
        try:
            # the processes stay for the next call
            pool = Parallel(n_jobs=cores(), batch_size=1, pre_dispatch="all", idle_worker_timeout=IDLE)
            return [image for part in pool(delayed(_read_all)(part, size, read) for part in parts) for image in part]
        except Exception as error:  # a file that cannot be read, which is told below, or no processes are to be had
            logger.info("Images are decoded in one process: %s", error)
    fetch_ahead(pictures)
    return list(_threads().map(partial(_read_one, size, read), pictures))


def _read_all(pictures: Sequence[Any], size: int, read: Read) -> np.ndarray:
    return np.stack([read(picture, size) for picture in pictures])


def _read_one(size: int, read: Read, picture: Any) -> np.ndarray:
    return read(picture, size)


@cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(min(MOST_THREADS, cores()), thread_name_prefix="decoder")


def _gpu_waits() -> bool:
    if not may_have_gpu():
        return False
    from labeler.backbones import devices

    return not devices.on_cpu()
