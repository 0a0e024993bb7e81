"""Containers of an image that Podman or Buildah has built from deploy/Dockerfile, run by Podman like compose.yaml."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from bench.deploy.build import Image


@dataclass
class Container:
    """A running container. process: Podman's command, which ends with the container and its status."""

    name: str
    process: subprocess.Popen[bytes]

    def stop(self) -> None:
        """Ask the first process of the container to end, and wait until it has."""
        subprocess.run(["podman", "stop", "--time", "60", self.name], check=True, capture_output=True)
        self.process.wait(60)


class Host:
    """Where Podman runs containers of an image, with one volume; as `container.Host`.

    Args: tag: of the image. image: what deploy/Dockerfile says of it.
    """

    def __init__(self, tag: str, image: Image, volume: Path) -> None:
        self.tag, self.image, self.volume = tag, image, volume
        self._numbers = count(1)
        user, _colon, group = image.user.partition(":")
        volume.mkdir(parents=True, exist_ok=True)
        os.chown(volume, int(user), int(group))

    def start(self, command: Sequence[str], variables: Mapping[str, str], log: Path) -> Container:
        """A container that runs a command in the background."""
        name = self._name()
        with log.open("ab") as output:
            started = subprocess.Popen(self._command(name, command, variables), stdout=output, stderr=output)
        return Container(name, started)

    def run(self, command: Sequence[str], variables: Mapping[str, str]) -> "subprocess.CompletedProcess[str]":
        """What a command says, in a container of its own that ends with it; its status is not looked at."""
        line = self._command(self._name(), command, variables)
        return subprocess.run(line, text=True, capture_output=True, check=False)

    def _name(self) -> str:
        return f"labeler-trial-{os.getpid()}-{next(self._numbers)}"

    def _command(self, name: str, command: Sequence[str], variables: Mapping[str, str]) -> list[str]:
        # the network of this command, in which nobody else is: see `__main__`
        run = ["podman", "run", "--rm", "--name", name, "--network", "host"]
        run += ["--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"]
        run += ["--tmpfs", "/tmp:mode=1777,size=1g", "--volume", f"{self.volume}:{self.image.stage.said['VOLUME']}"]
        run += [f"--env={key}={value}" for key, value in variables.items()]
        if list(command) == self.image.stage.command():  # the image itself says it
            return [*run, self.tag]
        return [*run, "--entrypoint", command[0], self.tag, *command[1:]]
