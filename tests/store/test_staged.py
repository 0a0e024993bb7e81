"""The rows of an import in their file: the order that they get, and how they are handed out."""

from pathlib import Path

import pytest

from labeler.core.items import NewItem
from labeler.store import staged as store_staged
from labeler.store.staged import Staged


def rows_of(staged: Staged) -> list[str]:
    """The sources of the items, in their order."""
    return [source for (source,) in staged.connection.execute("SELECT source FROM items ORDER BY id")]


def test_the_first_rows_keep_their_order_and_the_others_follow_their_hashes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_staged, "IN_ORDER", 2)
    hashes = ["ff", "0a", "b1", "0a", "b0", "0a"]
    with Staged(tmp_path / "part") as staged:
        for half in (slice(0, 3), slice(3, 6)):
            staged.add([NewItem(hashes[i] * 16, f"{i}", text="t") for i in range(6)[half]], [])
        assert rows_of(staged) == ["0", "1", "3", "5", "4", "2"]  # 0, 1 as they came; then 0a, 0a, b0, b1


def test_what_is_added_later_follows_what_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_staged, "IN_ORDER", 2)
    for i in range(4):
        with Staged(tmp_path / "part") as staged:
            staged.add([NewItem(f"{i:032x}", f"{i}", text="t")], [])
    with Staged(tmp_path / "part") as staged:
        assert rows_of(staged) == ["0", "1", "2", "3"]


def test_parts_have_so_many_rows_whatever_their_ids(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_staged, "IN_ORDER", 3)
    with Staged(tmp_path / "part") as staged:
        staged.add([NewItem(f"{i * 37 % 256:02x}{i:030x}", f"{i}", text="t") for i in range(7)], [])
        parts = list(staged.parts(3))
        assert [n for _, _, n in parts] == [3, 3, 1]
        assert [first for first, _, _ in parts[1:]] == [last for _, last, _ in parts[:-1]]
        counted = "SELECT COUNT(*) FROM items WHERE id > ? AND id <= ?"
        assert [staged.connection.execute(counted, part[:2]).fetchone()[0] for part in parts] == [3, 3, 1]


def test_rows_with_a_file_are_committed_at_once(tmp_path: Path) -> None:
    """A worker that is killed leaves the files of the rows that it has read, and they are removed by these rows."""
    with Staged(tmp_path / "part") as staged, Staged(tmp_path / "part") as other:
        staged.add([NewItem("0" * 32, "a.png", media="media/a.png")], [])
        assert other.counts() == (1, 0)
