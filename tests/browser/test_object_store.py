"""A project whose images stay in an S3 is labeled as any other."""

import os
from collections import defaultdict

import pytest

from labeler.core.settings import QueryConfig
from labeler.files.addresses import source_of
from labeler.projects import project as projects
from labeler.projects.importer import import_source
from tests.browser.conftest import pages
from tests.support.desk import all_saved, item_on_screen, press
from tests.support.machine import ROOT
from tests.support.objects import BUCKET, HAS_S3, picture, served_s3
from tests.support.samples import text_config
from tests.support.server import serving

# `tests/jobs/test_s3.py` and `tests/projects/test_object_stores.py` say most of it without a browser.
pytestmark = [
    pytest.mark.browser,
    pytest.mark.thorough,
    pytest.mark.skipif(not HAS_S3, reason='needs `pip install s3fs "moto[s3]" flask flask-cors`'),
]


@pytest.fixture
def served(tmp_path):
    """A server and the project of twelve images in an S3, none of which is on this machine."""
    home = tmp_path / "home"
    home.mkdir()
    with served_s3() as s3:
        for n in range(12):
            s3.put(f"photos/{n}.png", picture(n, side=300))
        config = text_config(modality="image", query=QueryConfig(seed_size=1000, batch=1000))
        project = projects.create(home / "photos", config)
        import_source(project, source_of(f"s3://{BUCKET}/photos"))
        for file in project.objects.folder.glob("*/*"):
            file.unlink()
        variables = s3.variables | {"PYTHONPATH": os.environ.get("PYTHONPATH", str(ROOT))}
        with serving(home, variables=variables) as server:
            yield server, project


def test_images_of_a_store_appear_and_are_labeled(served, browser, tmp_path):
    server, project = served
    with pages(browser, defaultdict(list), server) as open_page:
        page = open_page(f"{server.url}/?annotator=kim")
        item_on_screen(page)
        page.wait_for_function(
            """() => [...document.querySelectorAll('*')].some(host => {
                const image = host.shadowRoot?.querySelector('.plane .image');
                return image && (image.naturalWidth || image.width) === 300;
            })"""
        )
        page.screenshot(path=os.environ.get("LABELER_SCREENSHOT", tmp_path / "desk.png"))
        answered = [press(page, key) for key in "12121"]
        all_saved(page)
    with project.store() as store:
        labels = store.items.labels()
    assert [labels[item] for item in answered] == ["good", "bad", "good", "bad", "good"]
    assert len([file for file in project.objects.folder.glob("*/*") if file.is_file()]) > 5
