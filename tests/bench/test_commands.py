"""Each module of bench/ can be imported, and each of its commands says what it takes."""

import json
import subprocess
import sys

import pytest

from tests.support.machine import ROOT

FILES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts): path
    for path in sorted((ROOT / "bench").rglob("*.py"))
    if path.parent.name != "plugins"  # files that the strategies' loader executes
}
COMMANDS = [module for module, path in FILES.items() if '__name__ == "__main__"' in path.read_text(encoding="utf-8")]
# torch, timm and scikit-learn are loaded once, in a process that no other test shares
HELP_OF_ALL = """
import contextlib, importlib, io, json, sys, traceback

commands, modules = (names.split(",") for names in sys.argv[1:])
errors, texts = {}, {}
for module in modules:
    try:
        imported = importlib.import_module(module)
    except Exception:
        errors[module] = traceback.format_exc()
        continue
    if module in commands:
        sys.argv = [module, "--help"]
        written = io.StringIO()
        try:
            with contextlib.redirect_stdout(written):
                imported.main()
        except SystemExit as stop:
            texts[module] = written.getvalue() if stop.code in (0, None) else f"exit status {stop.code}"
        except Exception:
            texts[module] = traceback.format_exc()
print(json.dumps({"errors": errors, "texts": texts}))
"""

pytestmark = [pytest.mark.slow, pytest.mark.thorough]


@pytest.fixture(scope="module")
def outcome() -> dict[str, dict[str, str]]:
    """The traceback of each module that cannot be imported, and what `--help` writes of each command."""
    command = [sys.executable, "-c", HELP_OF_ALL, ",".join(COMMANDS), ",".join(FILES)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_each_module_can_be_imported(outcome: dict[str, dict[str, str]]) -> None:
    assert outcome["errors"] == {}


@pytest.mark.parametrize("module", COMMANDS)
def test_a_command_says_how_it_is_used(outcome: dict[str, dict[str, str]], module: str) -> None:
    assert outcome["texts"][module].lower().startswith("usage:")
