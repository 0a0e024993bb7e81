"""How the app is reached: what `labeler serve` takes, and what reaches the app's process."""

import pytest

from labeler.access.serving import Serving, checked, serving
from labeler.core.errors import LabelerError


def test_names_and_paths_are_brought_into_one_form(tmp_path):
    reached = checked(Serving(host_names=("Labels.Example.org:8443",), base_path="a//b/"), tmp_path)
    assert (reached.host_names, reached.base_path) == (("labels.example.org:8443",), "/a/b")


def test_another_process_reads_the_same(tmp_path):
    reached = checked(Serving("::1", ("labels.org",), ("10.0.0.0/24",), "/labeler", ("https://example.org",)), tmp_path)
    assert serving(reached.as_environment()) == reached
    assert serving({}) == Serving()


@pytest.mark.parametrize(
    ("wished", "option"),
    [
        (Serving(host_names=("https://labels.org",)), "--host-name"),
        (Serving(host_names=("labels.org/x",)), "--host-name"),
        (Serving(proxies=("nginx",)), "--trust-proxy"),
        (Serving(proxies=("10.0.0.1/24",)), "--trust-proxy"),
        (Serving(base_path="/a b"), "--base-path"),
        (Serving(base_path="/../a?b"), "--base-path"),
        (Serving(address="labels.org"), "--address"),
        (Serving(embedded_in=("*",)), "--embedded-in"),
        (Serving(embedded_in=("https://a.org; script-src *",)), "--embedded-in"),
    ],
)
def test_what_is_wrong_is_named(tmp_path, wished, option):
    with pytest.raises(LabelerError, match=option):
        checked(wished, tmp_path)


@pytest.mark.parametrize("address", ["0.0.0.0", "10.0.0.7", "::"])
def test_nobody_else_is_let_in_while_nobody_logs_in(tmp_path, address):
    with pytest.raises(LabelerError, match="asks nobody to log in"):
        checked(Serving(address=address), tmp_path)


@pytest.mark.parametrize(
    ("address", "url"),
    [("127.0.0.1", "http://127.0.0.1:8501/a"), ("::1", "http://[::1]:8501/a"), ("0.0.0.0", "http://127.0.0.1:8501/a")],
)
def test_the_address_that_is_said_is_one_that_a_browser_reaches(address, url):
    assert Serving(address, base_path="/a").url(8501) == url
