from types import SimpleNamespace

import pytest

from pages.shared import times


@pytest.mark.parametrize(
    ("zone", "shown"),
    [
        ("Asia/Seoul", "2026-11-27 06:05 KST"),
        ("America/New_York", "2026-11-26 16:05 EST"),
        (None, "2026-11-26 21:05 UTC"),
        ("Not/AZone", "2026-11-26 21:05 UTC"),
    ],
)
def test_times_are_those_of_the_readers_clock(monkeypatch: pytest.MonkeyPatch, zone: str | None, shown: str) -> None:
    monkeypatch.setattr(times, "st", SimpleNamespace(context=SimpleNamespace(timezone=zone)))
    assert times.local_time("2026-11-26T21:05:15+00:00") == shown
    assert times.local_time("2026-11-26T21:05:15") == shown
