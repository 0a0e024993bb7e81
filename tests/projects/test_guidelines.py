"""Guidelines: Markdown becomes safe HTML, examples are found by class, nothing outside of the folder is served."""

from dataclasses import replace

import pytest
from PIL import Image

from labeler.core.errors import LabelerError
from labeler.core.settings import ClassDetail
from labeler.projects import guidelines


@pytest.fixture
def example(tmp_path):
    Image.new("RGB", (4, 4), "red").save(tmp_path / "a.png")
    return (tmp_path / "a.png").read_bytes()


def test_without_guidelines_there_is_nothing_to_show(project):
    assert guidelines.read(project) == guidelines.Guidelines("", "", {})


def test_markdown_becomes_html_in_which_html_stays_text(project):
    guidelines.write(
        project,
        "# Rules\n\n<script>alert(1)</script>\n\n[x](javascript:alert(1)) ![a](good/a.png)\n\n| a |\n|---|\n| 한글 |\n",
    )
    html = guidelines.read(project).html
    assert "<h1>Rules</h1>" in html
    assert "<script" not in html
    assert "&lt;script&gt;" in html
    assert 'href="javascript' not in html
    assert 'data-src="good/a.png"' in html  # fetched by the desk, with its token
    assert " src=" not in html
    assert "<td>한글</td>" in html
    assert guidelines.text_of(project).startswith("# Rules")


def test_the_digest_changes_with_text_examples_and_descriptions(project, example):
    digests = set()
    guidelines.write(project, "one")
    digests.add(guidelines.read(project).digest)
    guidelines.write(project, "two")
    digests.add(guidelines.read(project).digest)
    guidelines.add_example(project, "good", "a.png", example)
    digests.add(guidelines.read(project).digest)
    described = project.save(replace(project.config, class_details={"bad": ClassDetail(description="It is bad.")}))
    digests.add(guidelines.read(described).digest)
    assert len(digests) == 4
    assert "" not in digests
    assert guidelines.read(described).digest in digests  # and is the same when nothing changed


def test_examples_are_found_by_class_and_served(project, example):
    guidelines.add_example(project, "good", "../../a.png", example)
    assert guidelines.read(project).examples == {"good": ["good/a.png"]}
    assert guidelines.image(project, "good/a.png").read_bytes() == example
    with pytest.raises(LabelerError, match="not a class"):
        guidelines.add_example(project, "ugly", "a.png", example)
    with pytest.raises(LabelerError, match=r"a\.svg cannot be an example"):
        guidelines.add_example(project, "good", "a.svg", b"<svg/>")


@pytest.mark.parametrize("path", ["../project.toml", "/etc/passwd", "good/none.png", "", "good"])
def test_nothing_else_is_served(project, example, path):
    guidelines.add_example(project, "good", "a.png", example)
    with pytest.raises(LabelerError, match="not in the project's folder"):
        guidelines.image(project, path)


@pytest.mark.parametrize(("name", "folder"), [("a/b", "a_b"), ("..", "_"), (".hidden", "hidden"), ("긍정", "긍정")])
def test_a_class_has_a_folder_that_stays_inside(name, folder):
    assert guidelines.folder_of(name) == folder


def test_example_texts_are_kept_by_class_in_the_folder_of_the_guidelines(project):
    guidelines.write_text_examples(project, "good", ["A delight.\nTwice.", " ", "영화가 좋아요 <b>"])
    first = guidelines.read(project)
    assert first.texts == {"good": ["A delight.\nTwice.", "영화가 좋아요 <b>"]}
    assert (project.folder / "guidelines" / "good" / "001.txt").is_file()
    guidelines.write_text_examples(project, "good", ["Fine."])
    second = guidelines.read(project)
    assert second.texts == {"good": ["Fine."]}
    assert first.digest != second.digest  # so that annotators see them
    guidelines.write_text_examples(project, "good", [])
    assert guidelines.read(project) == guidelines.Guidelines("", "", {})
    with pytest.raises(LabelerError, match="not a class"):
        guidelines.write_text_examples(project, "ugly", ["x"])
