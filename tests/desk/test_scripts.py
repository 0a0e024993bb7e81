"""The desk's scripts: their own tests in node, and the layers that their imports keep to."""

import shutil
import subprocess

import pytest

from labeler.core.setting_rules import RESERVED_KEYS
from labeler.projects.class_keys import CLASS_KEYS
from pages.desk.joined import in_order, join
from tests.support.machine import ROOT

DESK = ROOT / "pages" / "desk"
# Each imports only from itself and those before it.
LAYERS = ("base", "sync", "view", "panels", "work", "desk.js", "mount.js")
ENTRIES = (DESK / "mount.js", DESK / "view" / "mount_viewer.js")
MODULES = list({module.path: module for entry in ENTRIES for module in in_order(entry, DESK)}.values())
NODE = shutil.which("node")


def layer(path) -> int:
    return LAYERS.index(path.relative_to(DESK).parts[0])


@pytest.mark.skipif(NODE is None, reason="node is not installed")
@pytest.mark.parametrize("path", sorted((ROOT / "tests" / "desk").glob("*.test.js")), ids=lambda path: path.stem)
def test_in_node(path) -> None:
    finished = subprocess.run([NODE, "--test", str(path)], capture_output=True, text=True, timeout=120)
    assert finished.returncode == 0, finished.stdout + finished.stderr


@pytest.mark.skipif(NODE is None, reason="node is not installed")
@pytest.mark.parametrize("entry", ENTRIES, ids=lambda path: path.stem)
def test_what_the_browser_gets_is_a_module_that_parses(tmp_path, entry) -> None:
    joined = tmp_path / "desk.mjs"
    joined.write_text(join(entry, DESK), encoding="utf-8")
    finished = subprocess.run([NODE, "--check", str(joined)], capture_output=True, text=True, timeout=60)
    assert finished.returncode == 0, finished.stderr


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.path.relative_to(DESK).as_posix())
def test_a_script_imports_from_no_later_layer(module) -> None:
    later = [path.name for path in module.imports if layer(path) > layer(module.path)]
    assert later == []


def test_every_script_is_used() -> None:
    assert {module.path for module in MODULES} == set(DESK.rglob("*.js"))


def test_class_keys_and_the_desks_own_keys_are_disjoint() -> None:
    (actions,) = (module for module in MODULES if module.path.name == "keys.js")
    literal = actions.body.split("ACTIONS = {")[1].split("}")[0]
    own = {entry.split(":")[0].strip(' "') for entry in literal.replace("\n", " ").split(",") if ":" in entry}
    assert {key for key in own if len(key) == 1 and key.isalnum()} == set(RESERVED_KEYS)
    assert own.isdisjoint(CLASS_KEYS)
