"""A database that is copied commit by commit: the copy is what SQLite would find, whatever happens in between."""

import os
import random
import shutil

import pytest

from labeler.store import copies, shipping, wal_file
from labeler.store.driver import connect
from labeler.store.shipping import Shipping, log_of

CONTENT = "SELECT id, length(words), words FROM words ORDER BY id"


@pytest.fixture
def writer(tmp_path):
    with connect(tmp_path / "a.sqlite") as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("CREATE TABLE words (id INTEGER PRIMARY KEY, words BLOB)")
        connection.commit()
        yield connection
    connection.close()


@pytest.fixture
def ship(writer, tmp_path):
    (tmp_path / "there").mkdir()
    shipping_ = Shipping(tmp_path / "a.sqlite", tmp_path / "there" / "a.sqlite")
    yield shipping_
    shipping_.close()


def bring(ship: Shipping) -> int:
    ship.take()
    return ship.bring()


def write(writer, rng: random.Random, rows: int = 1) -> None:
    for _ in range(rows):
        writer.execute("INSERT INTO words (words) VALUES (?)", (rng.randbytes(rng.choice([20, 3000])),))
    writer.commit()


def content(path, folder) -> list[tuple]:
    """What SQLite finds in a copy, as it is on the disk now."""
    shutil.rmtree(folder / "seen", ignore_errors=True)
    shutil.copytree(path.parent, folder / "seen")
    assert copies.problems(folder / "seen" / path.name, thorough=True) == []
    with connect(folder / "seen" / path.name) as connection:
        return connection.execute(CONTENT).fetchall()


def test_the_copy_has_each_commit_whatever_the_order_of_writing_copying_and_new_logs(writer, ship, tmp_path):
    rng = random.Random(7)
    logs = set()
    for number in range(24):
        write(writer, rng, rng.choice([1, 5, 600]))
        if number % 7 == 0:
            writer.execute("DELETE FROM words WHERE id % 3 = 0")
            writer.commit()
        if number % 5 == 0:
            ship.take()
            write(writer, rng)  # it comes the next time
            ship.bring()
        if number % 2 == 0:
            bring(ship)
            logs.add(log_of(ship.source).read_bytes()[: wal_file.HEADER])
        if number % 8 == 0:
            assert content(ship.target, tmp_path) == writer.execute(CONTENT).fetchall()
    assert len(logs) > 1


def test_what_is_not_committed_is_not_in_the_copy(writer, ship, tmp_path):
    write(writer, random.Random(1))
    bring(ship)
    writer.execute("PRAGMA cache_size = 1")
    writer.execute("INSERT INTO words (words) VALUES (zeroblob(500000))")  # more than the cache: it spills into the log
    bring(ship)
    assert len(content(ship.target, tmp_path)) == 1
    writer.rollback()
    write(writer, random.Random(2))
    bring(ship)
    assert content(ship.target, tmp_path) == writer.execute(CONTENT).fetchall()


def test_a_copy_that_ends_in_the_middle_of_a_commit_has_the_commit_before(writer, ship, tmp_path):
    write(writer, random.Random(1))
    bring(ship)
    whole = log_of(ship.target).stat().st_size
    before = content(ship.target, tmp_path)
    write(writer, random.Random(2), 40)
    bring(ship)
    with log_of(ship.target).open("r+b") as log:
        log.truncate(whole + 5000)
    assert content(ship.target, tmp_path) == before


def test_another_process_continues_the_copy(writer, ship, tmp_path):
    write(writer, random.Random(1), 300)
    bring(ship)
    base = os.stat(ship.target).st_ino
    write(writer, random.Random(2))
    other = Shipping(ship.source, ship.target)
    assert 0 < bring(other) < 20_000
    other.close()
    assert os.stat(ship.target).st_ino == base
    assert content(ship.target, tmp_path) == writer.execute(CONTENT).fetchall()


@pytest.mark.parametrize("harm", ["open", "cut", "remove"])
def test_a_copy_that_somebody_changed_is_made_anew(writer, ship, tmp_path, harm):
    write(writer, random.Random(1), 20)
    bring(ship)
    if harm == "open":
        with connect(ship.target) as connection:
            connection.execute("DELETE FROM words")
        connection.close()
    elif harm == "cut":
        os.truncate(log_of(ship.target), 4000)
    else:
        log_of(ship.target).unlink()
    write(writer, random.Random(2))
    bring(ship)
    assert content(ship.target, tmp_path) == writer.execute(CONTENT).fetchall()


def test_a_disk_that_keeps_something_else_is_noticed(writer, ship, tmp_path, monkeypatch):
    write(writer, random.Random(1))
    bring(ship)
    copy = shipping._copy_bytes
    monkeypatch.setattr(shipping, "_copy_bytes", lambda source, begin, end, file: file.write(bytes(end - begin)))
    write(writer, random.Random(2))
    with pytest.raises(shipping.ShippingError, match="its disk may fail"):
        bring(ship)
    assert len(content(ship.target, tmp_path)) == 1
    monkeypatch.setattr(shipping, "_copy_bytes", copy)
    bring(ship)
    assert content(ship.target, tmp_path) == writer.execute(CONTENT).fetchall()


def test_a_damaged_database_does_not_take_the_place_of_its_copy(writer, ship, tmp_path):
    write(writer, random.Random(1), 50)
    bring(ship)
    before = content(ship.target, tmp_path)
    writer.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
    with ship.source.open("r+b") as file:
        file.seek(3 * 4096)
        file.write(b"\xff" * 4096)
    other = Shipping(ship.source, ship.target)
    log_of(ship.target).rename(tmp_path / "log")  # so that the whole is copied
    with pytest.raises(shipping.ShippingError, match="is damaged"):
        bring(other)
    other.close()
    (tmp_path / "log").rename(log_of(ship.target))
    assert content(ship.target, tmp_path) == before


def test_checksums_are_those_of_sqlite(writer, tmp_path):
    write(writer, random.Random(1), 30)
    log = log_of(tmp_path / "a.sqlite")
    start = wal_file.start_of(log)
    end = wal_file.committed_after(log, start)
    assert end.end == log.stat().st_size
    data = bytearray(log.read_bytes())
    data[-1] ^= 1
    log.with_name("changed").write_bytes(data)
    assert wal_file.committed_after(log.with_name("changed"), start).end < end.end
