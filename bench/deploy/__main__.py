"""The steps of deploy/Dockerfile without a container engine, and what the image must do.

    bench/deploy.sh [--base FOLDER] [--show PATH …]      as root on Linux; takes about 9 GB in --work
    bench/deploy.sh --podman TAG                         tries an image that `podman build` has made

Reads deploy/Dockerfile, carries each of its steps out in a bare Debian (chroot), then runs its command in namespaces of
its own with a read-only root, without rights, as the image's user: health check, an answer, a round, a restart and
the end. Nothing of the steps is written here a second time.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from bench.deploy import container, dockerfile, podman
from bench.deploy.build import Builder, Image
from bench.deploy.trial import Trial, seen

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = "ca-certificates,python3,python3-venv,python3-pip"
IN_NAMESPACE = "LABELER_BENCH_IN_NAMESPACE"  # in the environment of this command within its own network


def base_of(work: Path, given: Path | None) -> Path:
    """A bare Debian with Python, in the place of the image `python:3.11-slim`."""
    if given:
        return given
    base = work / "base"
    subprocess.run(["debootstrap", "--variant=minbase", f"--include={PACKAGES}", "bookworm", str(base)], check=True)
    return base


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="bench/deploy.sh", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--base", type=Path, help="a Debian with Python; made by debootstrap if not given")
    parser.add_argument("--work", type=Path, help="folder that the stages are built in; a temporary one if not given")
    parser.add_argument(
        "--show", action="append", default=[], help="a path of this machine that the steps see, e.g. of pip's"
    )
    parser.add_argument("--extras", help="extras of pyproject.toml; those of the Dockerfile if not given")
    parser.add_argument("--keep", action="store_true", help="keep what was built, in --work")
    parser.add_argument("--built", action="store_true", help="try what an earlier call with --keep built in --work")
    parser.add_argument("--podman", metavar="TAG", help="try an image of Podman's, run by Podman; nothing is built")
    options = parser.parse_args()
    if os.geteuid() != 0 or sys.platform != "linux":
        parser.error("this needs Linux and root, for chroot and namespaces.")
    work = options.work or Path(tempfile.mkdtemp(prefix="labeler-deploy-"))
    work.mkdir(parents=True, exist_ok=True)
    try:
        if IN_NAMESPACE not in os.environ:
            if not (options.built or options.podman):
                build(options, work)
            again = ["unshare", "--net", sys.executable, "-m", "bench.deploy", *sys.argv[1:], "--work", str(work)]
            return subprocess.run(again, env=os.environ | {IN_NAMESPACE: "1"}, check=False).returncode
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        image, volume = described(work), work / "volume"
        host = podman.Host(options.podman, image, volume) if options.podman else container.Host(image, volume)
        return seen(Trial(host, work))
    finally:
        if IN_NAMESPACE not in os.environ and not options.keep:
            shutil.rmtree(work)


def build(options: argparse.Namespace, work: Path) -> None:
    """Build the stages, one after the other."""
    builder = Builder(ROOT, base_of(work, options.base), work, options.show)
    arguments = {"EXTRAS": options.extras} if options.extras else {}
    for stage in dockerfile.read(ROOT / "deploy" / "Dockerfile"):
        builder.build(stage, arguments)


def described(work: Path) -> Image:
    """The image that was built in a folder."""
    stage = dockerfile.read(ROOT / "deploy" / "Dockerfile")[-1]
    image = Image(work / "image", stage)
    for instruction, rest in stage.steps:
        image.take(instruction, rest)
    return image


if __name__ == "__main__":
    sys.exit(main())
