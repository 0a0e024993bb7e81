"""A container of an image without an engine: namespaces of its own, a read-only root, no rights, one volume."""

import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.deploy.build import Image

# All that can be written is the volume, and /tmp and /dev/shm in memory.
START = """
root=$1 volume=$2 home=$3 user=$4 group=$5; shift 5
mount --make-rprivate /
mount --bind "$root" "$root"
mount -t proc proc "$root/proc"
mount -t tmpfs -o mode=755 tmpfs "$root/dev"
for device in null zero full random urandom; do
    touch "$root/dev/$device"
    mount --bind "/dev/$device" "$root/dev/$device"
done
mkdir -m 1777 "$root/dev/shm"
mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm"
mount -t tmpfs -o mode=1777,size=1g tmpfs "$root/tmp"
mount --bind "$volume" "$root$home"
mount -o remount,bind,ro "$root"
exec chroot "$root" setpriv --reuid "$user" --regid "$group" --clear-groups --no-new-privs --bounding-set=-all \\
    env -i "$@"
"""


@dataclass
class Container:
    """A running container."""

    process: subprocess.Popen[bytes]

    def stop(self) -> float:
        """Ask the first process of the container to end, as `docker stop` does; the seconds until all have ended."""
        began = time.monotonic()
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        for child in children.read_text(encoding="ascii").split():
            os.kill(int(child), signal.SIGTERM)
        self.process.wait(60)
        return time.monotonic() - began


class Host:
    """Where containers of an image run, with one volume."""

    def __init__(self, image: Image, volume: Path) -> None:
        self.image, self.volume = image, volume
        self.user, _colon, self.group = image.user.partition(":")
        volume.mkdir(parents=True, exist_ok=True)
        os.chown(volume, int(self.user), int(self.group))

    def start(self, command: Sequence[str], variables: Mapping[str, str], log: Path) -> Container:
        """A container that runs a command in the background."""
        with log.open("ab") as output:
            return Container(subprocess.Popen(self._command(command, variables), stdout=output, stderr=output))

    def run(self, command: Sequence[str], variables: Mapping[str, str]) -> "subprocess.CompletedProcess[str]":
        """What a command says, in a container of its own that ends with it; its status is not looked at."""
        return subprocess.run(self._command(command, variables), text=True, capture_output=True, check=False)

    def _command(self, command: Sequence[str], variables: Mapping[str, str]) -> list[str]:
        home = self.image.stage.said["VOLUME"]
        namespaces = [
            "unshare",
            "--mount",
            "--pid",
            "--ipc",
            "--fork",
            "--kill-child",
            "sh",
            "-eu",
            "-c",
            START,
            "start",
        ]
        places = [str(self.image.root), str(self.volume), home, self.user, self.group]
        moved = ["sh", "-c", 'cd "$1" && shift && exec "$@"', "sh", self.image.folder]
        environment = [f"{name}={value}" for name, value in (self.image.environment | dict(variables)).items()]
        return [*namespaces, *places, *environment, *moved, *command]
