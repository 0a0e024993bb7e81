"""deploy/Dockerfile is what bench/deploy.sh carries out, and the image holds what it must and nothing more."""

import re
import subprocess
import sys

import pytest

from bench.deploy import dockerfile
from bench.deploy.dockerfile import Stage
from tests.support.machine import ROOT

FILE = ROOT / "deploy" / "Dockerfile"


@pytest.fixture(scope="module")
def stages() -> list[Stage]:
    """Each instruction of the file is one that bench/deploy.sh carries out; others would raise."""
    return dockerfile.read(FILE)


def test_an_instruction_that_the_bench_does_not_carry_out_is_no_part_of_the_image(tmp_path):
    (tmp_path / "Dockerfile").write_text("FROM a\nADD x /x\n")
    with pytest.raises(ValueError, match="ADD is not carried out"):
        dockerfile.read(tmp_path / "Dockerfile")


def test_steps_are_read_whole_and_variables_filled(tmp_path):
    text = "ARG V=1\nFROM a:${V} AS b\n# why\nRUN one \\\n    && two\nENV A=x B=$A/y\n"
    text += "HEALTHCHECK --interval=1s CMD ['x']\n"
    (tmp_path / "Dockerfile").write_text(text.replace("'", '"'))
    stage = dockerfile.read(tmp_path / "Dockerfile")[0]
    assert (stage.base, stage.name) == ("a:1", "b")
    assert stage.steps == [("RUN", "one      && two"), ("ENV", "A=x B=$A/y")]
    assert stage.health_check() == ["x"]


def test_what_the_image_copies_is_what_dockerignore_lets_in(stages):
    allowed = dockerfile.context(ROOT)
    copied = [word for stage in stages for name, rest in stage.steps if name == "COPY" and "--from" not in rest
              for word in rest.split()[:-1] if word != "."]  # fmt: skip
    assert {*copied} <= {*allowed}
    assert [path for path in allowed if not (ROOT / path).exists()] == []


def test_what_the_wheel_is_made_of_is_let_in():
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    packed = re.findall(r'"([\w.]+)"', re.search(r"only-include = (\[.*\])", text)[1])
    assert {*packed, "streamlit_app.py", "LICENSE", "README.md"} <= {*dockerfile.context(ROOT)}


def test_the_image_is_not_root_keeps_all_in_its_volume_and_has_no_compiler(stages):
    last = stages[-1]
    steps = dict(last.steps)
    variables = dockerfile.settings(steps["ENV"])
    assert int(steps["USER"].partition(":")[0]) > 0
    assert variables["HOME"] == last.said["VOLUME"]
    assert variables["LABELER_HOME"].startswith(last.said["VOLUME"] + "/")
    installed = [rest for name, rest in last.steps if name == "RUN" and "apt-get" in rest]
    assert [re.findall(r"no-install-recommends (.*?) +&&", rest) for rest in installed] == [["tini"]]
    assert last.command() == ["tini", "--", "labeler", "serve"]


def test_libraries_are_installed_before_the_source_is_copied(stages):
    """An update of labeler alone fetches none of the gigabytes again."""
    libraries = stages[0].steps
    assert [rest for name, rest in libraries if name == "COPY"][1].split()[:-1] == [
        "pyproject.toml",
        "requirements.lock",
    ]


def test_the_health_check_asks_below_the_path_and_fails_where_nothing_answers(stages, tmp_path):
    check = [sys.executable, str(ROOT / "deploy" / "healthy.py")]
    assert stages[-1].health_check() == ["python3", "/opt/labeler/deploy/healthy.py"]
    server = (
        "import http.server, sys\n"
        "class Handler(http.server.BaseHTTPRequestHandler):\n"
        "    def do_GET(self):\n"
        "        self.send_response(200 if self.path == '/a/b/healthz' else 503)\n"
        "        self.end_headers()\n"
        "server = http.server.HTTPServer(('127.0.0.1', 0), Handler)\n"
        "print(server.server_port, flush=True)\n"
        "server.serve_forever()\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", server], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    try:
        port = process.stdout.readline().strip()

        def status(path: str) -> int:
            return subprocess.run(
                check, env={"LABELER_PORT": port, "LABELER_BASE_PATH": path}, stderr=-3, check=False
            ).returncode

        assert (status("/a/b"), status("a/b/"), status("")) == (0, 0, 1)
    finally:
        process.kill()
        process.wait()
