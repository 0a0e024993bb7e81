"""deploy/Dockerfile, read as far as this repository uses it: its stages, their steps, what the image says of itself."""

import json
import re
import shlex
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path

_VARIABLE = re.compile(r"\$\{?(\w+)\}?")
STEPS = ("ARG", "COPY", "ENV", "RUN", "USER", "WORKDIR")
SAID = ("CMD", "ENTRYPOINT", "EXPOSE", "HEALTHCHECK", "VOLUME")


@dataclass
class Stage:
    """A stage: its base, its steps as pairs of instruction and rest, and what it says of itself by instruction."""

    base: str
    name: str
    steps: list[tuple[str, str]] = field(default_factory=list)
    said: dict[str, str] = field(default_factory=dict)

    def command(self) -> list[str]:
        """What a container runs: the entry point with its usual arguments."""
        return [*json.loads(self.said["ENTRYPOINT"]), *json.loads(self.said["CMD"])]

    def health_check(self) -> list[str]:
        """The command that tells whether a container is well."""
        return list(json.loads(self.said["HEALTHCHECK"].partition("CMD ")[2]))


def read(path: Path) -> list[Stage]:
    """The stages of a Dockerfile. Raises: ValueError: an instruction that nobody here carries out."""
    text = "\n".join(line for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith("#"))
    stages: list[Stage] = []
    arguments: dict[str, str] = {}
    for line in text.replace("\\\n", " ").splitlines():
        instruction, _space, rest = line.strip().partition(" ")
        if instruction == "ARG" and not stages:
            name, _equals, arguments[name] = rest.partition("=")
        elif instruction == "FROM":
            base, _as, name = filled(rest, arguments).partition(" AS ")
            stages.append(Stage(base, name))
        elif instruction in STEPS:
            stages[-1].steps.append((instruction, rest.strip()))
        elif instruction in SAID:
            stages[-1].said[instruction] = rest.strip()
        elif instruction:
            raise ValueError(f"{path.name}: {instruction} is not carried out here.")
    return stages


def filled(text: str, variables: dict[str, str]) -> str:
    """The text with the values of its variables."""
    return _VARIABLE.sub(lambda match: variables[match[1]], text)


def settings(rest: str) -> dict[str, str]:
    """The names and values of an ENV."""
    return dict(word.split("=", 1) for word in shlex.split(rest))


def context(source: Path) -> list[str]:
    """The paths below the root of the repository that `.dockerignore` lets into an image."""
    lines = (source / ".dockerignore").read_text(encoding="utf-8").splitlines()
    patterns = [line for line in lines if line and not line.startswith("#")]
    if patterns[0] != "*":
        raise ValueError(".dockerignore must leave everything out but what it names.")
    return [pattern[1:] for pattern in patterns if pattern.startswith("!")]


def is_left_out(name: str, source: Path) -> bool:
    """Whether `.dockerignore` leaves a file or folder of this name out at any depth."""
    lines = (source / ".dockerignore").read_text(encoding="utf-8").splitlines()
    return any(fnmatch(name, line.removeprefix("**/")) for line in lines if line.startswith("**/"))
