"""Images of an object store, on the Project page: offered where stores are named, and nothing else is read."""

from dataclasses import replace

import pytest

from labeler.formats import preview
from tests.support.objects import in_memory, picture
from tests.support.pages import everything, visit, widget


def test_without_named_stores_no_address_is_asked_for(project):
    assert "store" not in str(widget(visit("project"), "radio", "From").options)


@pytest.fixture
def photographs(project):
    """A project of images, without any."""
    return project.save(replace(project.config, modality="image"))


@pytest.mark.parametrize("text", ["http://169.254.169.254/latest/meta-data", "file:///etc/passwd", "memory://other/x"])
def test_only_what_is_named_is_read(photographs, text, monkeypatch):
    monkeypatch.setattr(preview, "run_limited", lambda function, *given, **_: function(*given))  # it has this store
    with in_memory("memory://b/photos") as store:
        store.pipe("/b/photos/cat/1.png", picture(1))
        store.pipe("/other/x/1.png", picture(2))
        app = visit("project")
        widget(app, "radio", "From").set_value("store").run()
        widget(app, "text_input", "Address").input(text).run()
        assert "is in no object store" in everything(app)
        assert app.button(key="import").disabled
        widget(app, "text_input", "Address").input("memory://b/photos").run()
        assert not app.button(key="import").disabled
        assert "is in no object store" not in everything(app)


def test_objects_are_not_read_in_the_process_of_the_page(photographs, monkeypatch):
    apart = []

    def in_its_own_process(function, source, *arguments, name, limits, load):  # which this store is not in
        apart.append(function.__name__)
        return function(source, *arguments)

    monkeypatch.setattr(preview, "run_limited", in_its_own_process)
    with in_memory("memory://b/scans") as store:
        store.pipe("/b/scans/cat/1.png", picture(1))
        app = visit("project")
        widget(app, "radio", "From").set_value("store").run()
        widget(app, "text_input", "Address").input("memory://b/scans").run()
        assert not app.button(key="import").disabled
    assert "preview" in apart
