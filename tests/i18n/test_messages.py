"""Translations: which language is taken, what a message reads in it, and what happens where something is missing."""

import json
import logging
import pickle
from contextvars import copy_context
from pathlib import Path

import numpy as np
import pytest

from labeler.core.errors import ConfigError, LabelerError
from labeler.i18n import messages
from labeler.i18n.messages import (
    _,
    catalogue,
    dump,
    from_json,
    language,
    load,
    mark,
    n_,
    preferred,
    sentences,
    to_json,
    translate,
    use,
)
from strategies import StrategyError


@pytest.fixture
def entries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Writes a Korean catalogue of these entries, in place of the real one."""

    def write(text: str) -> None:
        (tmp_path / "ko.po").write_text(text, encoding="utf-8")
        monkeypatch.setattr(messages, "LOCALE", tmp_path)
        forget()

    yield write
    monkeypatch.undo()
    forget()


def forget() -> None:
    for cached in (messages._read, messages._translations):
        cached.cache_clear()


def entry(message: str, translation: str, file: str = "pages/x.py", flag: str = "") -> str:
    return f"#: {file}\n{flag}msgid {json.dumps(message)}\nmsgstr {json.dumps(translation, ensure_ascii=False)}\n\n"


# ---------------------------------------------------------------- languages


@pytest.mark.parametrize(
    ("accepted", "wanted"),
    [
        (None, "en"),
        ("", "en"),
        ("ko", "ko"),
        ("ko-KR", "ko"),
        ("ko_KR", "ko"),
        ("ko-KR,ko;q=0.9,en-US;q=0.8,en;q=0.7", "ko"),
        ("en-US,en;q=0.9,ko;q=0.8", "en"),
        ("fr;q=1, en;q=0.2, KO;q=0.3", "ko"),
        ("de-DE,ja", "en"),
        ("ko;q=0, en;q=0.1", "en"),
        ("en;q=0.5,ko;q=much", "ko"),
    ],
)
def test_the_language_is_the_preferred_one_among_the_catalogues(accepted, wanted):
    assert preferred(accepted) == wanted


def test_a_language_holds_for_its_context_only_and_an_unknown_one_is_english():
    copy_context().run(use, "ko")
    assert language() == "en"
    use("ko")
    assert language() == "ko"
    use("tlh")
    assert language() == "en"


# ---------------------------------------------------------------- texts


def test_values_are_put_into_the_translation_in_its_order(entries):
    entries(entry("{n:,} of {total:.0%}", "{total:.0%}의 {n:,}개"))
    assert _("{n:,} of {total:.0%}", n=1234, total=0.5) == "1,234 of 50%"
    use("ko")
    assert _("{n:,} of {total:.0%}", n=1234, total=0.5) == "50%\u2060의 1,234개"
    assert _("{n} unknown", n=3) == "3 unknown"


def test_singular_and_plural_are_separate_messages(entries):
    entries(entry("{n} item", "하나"))
    assert (n_("{n} item", "{n} items", 1), n_("{n} item", "{n} items", 2)) == ("1 item", "2 items")
    use("ko")
    assert (n_("{n} item", "{n} items", 1), n_("{n} item", "{n} items", 2)) == ("하나", "2 items")


@pytest.mark.parametrize("wrong", ["{m}개", "{n:%Y}개", "{n.x}개", "{n", "{}개", "{n!z}"])
def test_a_translation_that_cannot_be_filled_gives_the_english_text(entries, caplog, wrong):
    entries(entry("{n} items", wrong))
    use("ko")
    assert _("{n} items", n=3) == "3 items"
    assert "cannot be filled" in caplog.text
    translate("3 items")


@pytest.mark.parametrize("broken", ['msgid "a"\nmsgstr "b', "\x00\x01 no catalogue", 'msgstr "b"\n'])
def test_a_broken_catalogue_leaves_other_languages_working(entries, caplog, broken):
    entries(broken)
    use("ko")
    with caplog.at_level(logging.WARNING):
        assert _("Saved.") == "Saved."
    assert translate("Saved.") == "Saved."


def test_a_missing_catalogue_leaves_other_languages_working(tmp_path, monkeypatch, entries, caplog):
    entries("")
    monkeypatch.setattr(messages, "LOCALE", tmp_path / "none")
    use("ko")
    assert _("Saved.") == "Saved."
    assert "there is English only" in caplog.text


def test_empty_and_fuzzy_translations_are_not_used(entries):
    entries(entry("a", "") + entry("b", "비", flag="#, fuzzy\n") + entry("c", "씨"))
    use("ko")
    assert [_("a"), _("b"), _("c")] == ["a", "b", "씨"]


def test_the_catalogue_of_a_folder_holds_what_is_used_there(entries):
    entries(entry("a", "에이", "pages/desk/desk.js") + entry("b", "비"))
    assert catalogue("ko") == {"a": "에이", "b": "비"}
    assert catalogue("ko", "pages/desk/") == {"a": "에이"}
    assert catalogue("en") == {}


def test_a_message_made_elsewhere_is_translated_with_its_fields(entries):
    entries(
        entry("{path} is not valid TOML: {error}.", "{path} 파일이 TOML이 아닙니다: {error}.")
        + entry("{what!r} is wrong", "{what!r} 틀림")
        + entry("loading the backbone", "백본을 불러오는 중")
        + entry("{message}, {done:,} of {total:,}", "{message}, {total:,}개 중 {done:,}개")
        + entry("good", "좋음")
    )
    error = ConfigError(
        "{path} is not valid TOML: {error}.", path=Path("/a b/project.toml"), error=ValueError("line 3")
    )
    far = mark("{message}, {done:,} of {total:,}", message=mark("loading the backbone"), done=1200, total=3000)
    assert str(error) == "/a b/project.toml is not valid TOML: line 3."
    assert far == "loading the backbone, 1,200 of 3,000"
    use("ko")
    assert translate(error) == "/a b/project.toml 파일이 TOML이 아닙니다: line 3."
    # a message in a field is translated as well; any other text may be a name
    assert translate(far) == "백본을 불러오는 중, 3,000개 중 1,200개"
    assert translate(mark("{what!r} is wrong", what="good")) == "'good' 틀림"
    assert translate("good") == "좋음"
    # several messages, of which one is of somebody else
    assert translate(sentences(error, "It broke.")) == "/a b/project.toml 파일이 TOML이 아닙니다: line 3. It broke."
    assert translate(ValueError("nothing of ours")) == "nothing of ours"
    use("en")
    assert translate(far) == str(far)


def test_an_error_in_a_field_of_an_error_is_translated(entries):
    entries(entry("{name} {error}", "{name}: {error}") + entry("has {n:,} pixels", "픽셀 {n:,}개"))
    use("ko")
    inner = LabelerError("has {n:,} pixels", n=40_000)
    assert translate(LabelerError("{name} {error}", name="scan.dcm", error=inner)) == "scan.dcm: 픽셀 40,000개"


def test_a_stored_message_is_read_back(entries):
    entries(entry("{name} {error}", "{name}: {error}") + entry("has {n:.1f} pixels", "픽셀 {n:.1f}개"))
    inner = StrategyError("has {n:.1f} pixels", n=np.float32(2.5))
    stored = dump(LabelerError("{name} {error}", name=Path("a"), error=inner))
    assert load(stored) == "a has 2.5 pixels"
    report = from_json(to_json({"rows": [{"note": mark("has {n:.1f} pixels", n=1)}], "n": (1, None)}))
    assert report == {"rows": [{"note": "has 1.0 pixels"}], "n": [1, None]}
    use("ko")
    assert translate(load(stored)) == "a: 픽셀 2.5개"
    assert translate(report["rows"][0]["note"]) == "픽셀 1.0개"


def test_a_sentence_without_fields_is_translated_within_a_stored_message_too(entries):
    entries(entry("No labels.", "라벨이 없습니다.") + entry("{n} items.", "항목 {n}개."))
    stored = load(dump(messages.sentences(mark("No labels."), mark("{n} items.", n=3))))
    assert stored == "No labels. 3 items."
    use("ko")
    assert translate(stored) == "라벨이 없습니다. 항목 3개."


@pytest.mark.parametrize(
    "text", ["The round failed: 3 of {n}.", "", "{}", '{"message": 3}', '{"message": "{n}", "fields": {}']
)
def test_a_stored_text_of_an_older_version_is_shown_as_it_is(text):
    use("ko")
    assert translate(load(text)) == text


@pytest.mark.parametrize("kind", [LabelerError, StrategyError])
def test_an_error_keeps_its_fields_on_the_way_between_processes(kind):
    error = pickle.loads(pickle.dumps(kind("{n} items of {whose}", n=3, whose=mark("mine"))))
    assert str(error) == "3 items of mine"
    assert (error.message, error.fields) == ("{n} items of {whose}", {"n": 3, "whose": "mine"})


def test_no_line_breaks_between_a_percent_sign_and_korean_letters(entries):
    entries(entry("The accuracy is {share}.", "정확도는 {share}입니다."))
    use("ko")
    assert _("The accuracy is {share}.", share="79%") == "정확도는 79%\u2060입니다."
