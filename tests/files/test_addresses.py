"""Addresses of objects: what this server may read, and that no secret in one is ever said."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labeler.core.errors import LabelerError, SourceError
from labeler.files import addresses
from labeler.files.addresses import Address, allowed, check_allowed, is_address, parsed, source_of
from labeler.files.sources import Row, SourceColumns, read
from labeler.i18n.messages import Message

SECRET = st.text(st.characters(codec="utf-8", exclude_characters='/\\\r\n\0"'), min_size=9, max_size=30).filter(
    lambda text: text == text.strip() and "://" not in text
)
# What a server must not read for somebody in a browser: itself, its files, the keys of a cloud.
INWARD = [
    *("http://169.254.169.254/latest/meta-data/iam", "https://169.254.169.254/x.png", "http://localhost:8501/a.png"),
    *("file:///etc/passwd", "local:///etc/passwd", "s3://../../etc/passwd", "s3://bucket/../../etc/passwd"),
    *("s3::file:///etc/passwd", "simplecache::s3://bucket/a.png", "zip://a.png::s3://bucket/a.zip", "s3://", "s3:///a"),
    *("ftp://host/a.png", "memory://bucket/a.png", "reference://x", "s3://bucket:80/a.png", "S3://bucket/a.png"),
    *(
        "http:\\\\169.254.169.254\\x.png",
        "gs://[::1]/x.png",
        "az://169.254.169.254:80/x.png",
        "s3://bucket//etc/passwd",
    ),
]


@pytest.fixture(autouse=True)
def everything_is_allowed(monkeypatch):
    monkeypatch.setenv(addresses.VARIABLE, "s3:// gs:// az://")


@pytest.mark.parametrize("text", INWARD)
def test_no_address_leads_to_this_machine_or_its_network(text):
    with pytest.raises(SourceError):
        allowed(text)


@pytest.mark.parametrize("text", INWARD)
def test_neither_does_a_cell_of_a_table(tmp_path, text):
    (tmp_path / "t.csv").write_text(f'image,n\n"{text}",1\n', encoding="utf-8")
    rows = list(read(tmp_path / "t.csv", SourceColumns(image="image")))
    assert len(rows) == 1
    assert not isinstance(rows[0], Row)


def test_an_address_is_taken_apart():
    assert parsed(" s3://bucket/scans/a b@2.png/ ") == Address("s3", "bucket", "scans/a b@2.png")
    assert source_of("gs://bucket") == Address("gs", "bucket", "")
    assert not is_address("C:/images/a.png")


def test_only_what_whoever_runs_the_server_has_named_is_read():
    near = {addresses.VARIABLE: "s3://team/photos, gs://"}
    for text in ("s3://team/photos/a.png", "s3://team/photos", "gs://any/thing.png"):
        check_allowed(parsed(text), near)
    for text in ("s3://team/photos-of-others/a.png", "s3://team", "s3://other/photos/a.png", "az://team/photos/a.png"):
        with pytest.raises(SourceError, match="LABELER_OBJECT_STORES"):
            check_allowed(parsed(text), near)
    with pytest.raises(SourceError):
        check_allowed(parsed("s3://team/a.png"), {})  # by default none is


@pytest.mark.parametrize("entry", ["http://example.org", "file:///srv", "s3://user:word@bucket"])
def test_a_setting_that_names_what_is_no_store_is_refused(entry):
    with pytest.raises(SourceError):
        check_allowed(parsed("s3://team/a.png"), {addresses.VARIABLE: f"s3:// {entry}"})


@given(
    st.sampled_from(["s3", "gs", "az", "https", "file", "x-y"]),
    SECRET,
    SECRET,
    st.sampled_from(
        ["{store}://{user}:{word}@bucket/a.png", "{store}://bucket/a.png?sig={word}", "{store}://b/a#{word}"]
    ),
)
def test_no_message_has_the_secrets_of_an_address(store, user, word, form):
    text = form.format(store=store, user=user.replace("@", "_"), word=word)
    with pytest.raises(LabelerError) as refused:
        allowed(text)
    message = str(Message.of(refused.value))
    assert word not in message
    assert user not in message
