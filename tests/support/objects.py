"""Object stores of tests: one in the memory of this process, and an S3 that moto serves on this machine."""

import io
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

import numpy as np
import pytest
from PIL import Image

from labeler.files import addresses, objects

BUCKET = "pictures"
HAS_S3 = all(find_spec(name) for name in ("moto", "s3fs", "boto3", "flask_cors"))


def picture(seed: int, kind: str = "PNG", side: int = 12) -> bytes:
    """The file of an image in colours of its own."""
    pixels = np.random.default_rng(seed).integers(0, 256, (12, 12, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).resize((side, side), Image.Resampling.NEAREST).save(buffer, kind)
    return buffer.getvalue()


@contextmanager
def in_memory(places: str = "memory://") -> Iterator[Any]:
    """A block with an empty store whose addresses begin with `memory://`; its file system.

    Args: places: that may be read.
    """
    import fsspec

    with pytest.MonkeyPatch.context() as patched:
        patched.setitem(addresses.STORES, "memory", "")
        patched.setitem(addresses.CREDENTIALS, "memory", "MEMORY_KEY")
        patched.setenv(addresses.VARIABLE, places)
        store = fsspec.filesystem("memory")
        store.store.clear()
        store.pseudo_dirs[:] = [""]
        objects._store.cache_clear()
        yield store
        store.store.clear()


@dataclass(frozen=True)
class S3:
    """An S3 that is served on this machine. variables: of the environment, for whoever reads it."""

    variables: dict[str, str]
    client: Any

    def put(self, key: str, content: bytes) -> None:
        self.client.put_object(Bucket=BUCKET, Key=key, Body=content)


@contextmanager
def served_s3() -> Iterator[S3]:
    """A block in which moto serves an S3 with an empty bucket; this process can read it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    variables = {
        "AWS_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "sesame-open",
        "AWS_DEFAULT_REGION": "us-east-1",
        addresses.VARIABLE: f"s3://{BUCKET}",
    }
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            _wait(f"{url}/moto-api/data.json", process)
            with pytest.MonkeyPatch.context() as patched:
                for name, value in variables.items():
                    patched.setenv(name, value)
                objects._store.cache_clear()
                import boto3

                client = boto3.client("s3")
                client.create_bucket(Bucket=BUCKET)
                yield S3(variables, client)
                objects._store.cache_clear()
        finally:
            process.terminate()


def _wait(url: str, process: subprocess.Popen[bytes]) -> None:
    for _ in range(600):
        try:
            with urlopen(url, timeout=5) as reply:
                json.load(reply)
            return
        except (URLError, OSError):
            assert process.poll() is None, "moto's server has ended"
            time.sleep(0.1)
    raise AssertionError(f"{url} does not answer; this is process {os.getpid()}")
