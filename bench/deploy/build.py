"""The image as a folder: each step of deploy/Dockerfile, carried out in a bare Debian by chroot and by no engine."""

import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench.deploy.dockerfile import Stage, context, filled, is_left_out, settings

# In a mount namespace of its own, so that nothing stays mounted; `$@` are folders of this machine that the step sees.
STEP = """
root=$1; shift
mount --make-rprivate /
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
while [ "$1" != -- ]; do
    if [ -d "$1" ]; then mkdir -p "$root$1"; else mkdir -p "$(dirname "$root$1")"; touch "$root$1"; fi
    mount --bind -o ro "$1" "$root$1"; shift
done
shift
exec chroot "$root" env -i "$@"
"""
PASSED_ON = ("PIP_", "SSL_", "http_proxy", "https_proxy", "no_proxy")


@dataclass
class Image:
    """A folder with the files of a stage, and what its containers find: variables, user, working folder."""

    root: Path
    stage: Stage
    environment: dict[str, str] = field(
        default_factory=lambda: {"PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"}
    )
    user: str = "0:0"
    folder: str = "/"

    def take(self, instruction: str, rest: str) -> None:
        """Note what an instruction says of the image's containers; others are left alone."""
        match instruction:
            case "ENV":
                self.environment |= settings(filled(rest, self.environment))
            case "WORKDIR":
                self.folder = rest
            case "USER":
                self.user = rest

    def inside(self, path: str) -> Path:
        """A path of the image as a path of this machine."""
        return self.root / os.path.join(self.folder, path).lstrip("/")


class Builder:
    """Builds the stages one after the other.

    Args: source: the repository. base: a Debian with Python. shown: paths of this machine that steps see.
    """

    def __init__(self, source: Path, base: Path, work: Path, shown: Sequence[str]) -> None:
        self.source, self.base, self.work, self.shown = source, base, work, shown
        self.images: dict[str, Image] = {}

    def build(self, stage: Stage, arguments: dict[str, str]) -> Image:
        """The image of a stage. Raises: subprocess.CalledProcessError: a step failed."""
        root = self.work / (stage.name or "image")
        subprocess.run(["cp", "--archive", str(self.base), str(root)], check=True)
        shutil.copy("/etc/resolv.conf", root / "etc" / "resolv.conf")
        image = self.images[stage.name] = Image(root, stage)
        values: dict[str, str] = {}
        for instruction, rest in stage.steps:
            print(f"{stage.name or 'image'}: {instruction} {' '.join(rest.split())}", flush=True)
            image.take(instruction, rest)
            match instruction:
                case "ARG":
                    name, _equals, default = rest.partition("=")
                    values[name] = arguments.get(name, default)
                case "WORKDIR":
                    image.inside("").mkdir(parents=True, exist_ok=True)
                case "COPY":
                    self._copy(image, rest.split())
                case "RUN":
                    self._run(image, rest, values)
        return image

    def _run(self, image: Image, command: str, values: dict[str, str]) -> None:
        variables = {name: value for name, value in os.environ.items() if name.startswith(PASSED_ON)}
        environment = [f"{name}={value}" for name, value in (variables | image.environment | values).items()]
        shell = ["/bin/sh", "-c", f"cd {image.folder} && {command}"]
        namespace = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-eu", "-c", STEP, "step"]
        subprocess.run([*namespace, str(image.root), *self.shown, "--", *environment, *shell], check=True)

    def _copy(self, image: Image, words: list[str]) -> None:
        if words[0].startswith("--from="):
            _from, path, target = words
            # hard links: nobody writes into what an earlier stage made
            source = self.images[_from.removeprefix("--from=")].inside(path)
            image.inside(target).parent.mkdir(parents=True, exist_ok=True)
            subprocess.run(["cp", "--archive", "--link", str(source), str(image.inside(target))], check=True)
            return
        *sources, target = words
        folder = image.inside(target)
        allowed = context(self.source)
        for path in allowed if sources == ["."] else sources:
            if path not in allowed:
                raise ValueError(f".dockerignore leaves {path} out, and deploy/Dockerfile copies it.")
            name = path if sources == ["."] else Path(path).name
            self._copy_one(self.source / path, folder / name)

    def _copy_one(self, source: Path, target: Path) -> None:
        if source.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, target)
            return

        def left_out(_folder: str, names: list[str]) -> list[str]:
            return [name for name in names if is_left_out(name, self.source)]

        shutil.copytree(source, target, ignore=left_out)
