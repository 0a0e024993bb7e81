"""What people wrote within texts that are Markdown."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from labeler.core.errors import LabelerError
from labeler.i18n.markdown import Markdown, escaped, in_code, joined, plain, plain_texts, use_markdown
from labeler.i18n.messages import _, mark, sentences, translate

PICTURE = "![x](http://evil.example/pic.png)"
# Streamlit reads tables, struck text and addresses as well.
READER = MarkdownIt("commonmark", {"html": True}).enable(["strikethrough", "table"])


@pytest.fixture(autouse=True)
def as_markdown():
    use_markdown(True)
    yield
    use_markdown(False)


def read(text: str) -> str:
    """The letters that a reader of the Markdown sees; fails where there is more than letters."""
    (begin, inline, end) = READER.parse(text)
    assert (begin.type, end.type) == ("paragraph_open", "paragraph_close"), text
    assert {token.type for token in inline.children} <= {"text", "text_special", "softbreak"}, text
    letters = "".join("\n" if token.type == "softbreak" else token.content for token in inline.children)
    return letters.replace("\u2060", "")


@pytest.mark.parametrize(
    "text",
    [
        PICTURE,
        "[link](http://evil.example)",
        "<b>bold</b> <img src=x>",
        "**b** _i_ ~~s~~ `c`",
        "$x$ and $$y$$",
        "# title",
        "- point",
        "1. first",
        "a\n===",
        "&lt;b&gt;",
        "\\*",
        "| a | b |\n|---|---|\n| c | d |",
        "한국어 **굵게** 입니다",
    ],
)
def test_what_people_wrote_is_shown_letter_for_letter(text):
    assert read(escaped(text)) == text


@settings(max_examples=150, deadline=None)
@given(st.text(st.sampled_from("ab1 .-+=#*_`~[]()<>!&;:|\\$한"), min_size=1, max_size=12).map(str.strip).filter(bool))
def test_no_letters_mean_anything(text):
    assert read(f"x {escaped(text)}") == f"x {text}"


@pytest.mark.parametrize("text", [":red[x]", ":material/home:", ":smile:", ":blue-badge[x]", ":small[y]"])
def test_signs_of_streamlit_mean_nothing(text):
    """Its directives end at a backslash; icons and emojis are looked for later, and a word joiner keeps them apart."""
    assert text not in escaped(text)
    assert read(escaped(text)) == text


def test_addresses_are_no_links():
    assert "http://" not in escaped("http://evil.example")
    assert "https://" not in escaped("see HTTPS://evil.example".lower())
    assert "www." not in escaped("www.evil.example")


@pytest.mark.parametrize("text", ["+8.7 points", "12:30", "user_name", "a.csv", "R&D", "−0.1 – 17.0%"])
def test_ordinary_texts_stay_as_they_are(text):
    assert escaped(text) == text


def test_fields_are_escaped_and_the_message_is_not():
    text = _("The project is **{name}**.", name="*x*")
    assert text == "The project is **\\*x\\***."
    assert plain(text) == "The project is ***x***."


def test_fields_are_formatted_before_they_are_escaped():
    assert _("{n:,} of {share:.0%}, {name!r}", n=1234, share=0.5, name="*") == "1,234 of 50%, '\\*'"


def test_nothing_is_escaped_twice():
    inner = _("by {name}", name="*")
    assert _("{what}, {other}", what=inner, other=joined(" · ", ["_", inner])) == "by \\*, \\_ · by \\*"


def test_fields_of_messages_made_elsewhere_are_escaped():
    error = LabelerError("{path} cannot be read.", path=PICTURE)
    both = sentences(error, mark("It is **{name}**.", name="<b>"))
    assert translate(error) == f"{escaped(PICTURE)} cannot be read."
    assert translate(both) == f"{escaped(PICTURE)} cannot be read. It is **\\<b\\>**."


def test_a_text_that_the_program_does_not_say_is_escaped():
    assert translate(PICTURE) == escaped(PICTURE)
    assert translate(mark("There is no project yet. Create one on the **Project** page.")).count("**") == 2
    assert translate("There is no project yet. Create one on the **Project** page.").count("**") == 2


def test_code_ends_where_it_should():
    assert in_code("a") == "`a`"
    assert in_code("a``b") == "``` a``b ```"


def test_files_and_charts_have_plain_texts():
    with plain_texts():
        assert _("by {name}", name="*") == "by *"
    assert isinstance(_("by {name}", name="*"), Markdown)
