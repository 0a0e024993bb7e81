"""access.toml, as people write it."""

import pytest

from labeler.access.settings import access_mode, access_settings
from labeler.core.errors import AccessError


def test_a_home_without_the_file_has_one_person(tmp_path):
    assert access_mode(tmp_path) == "none"


def test_settings_are_read_anew_after_a_change(tmp_path):
    path = tmp_path / "access.toml"
    path.write_text('mode = "local"\n')
    assert access_mode(tmp_path) == "local"
    path.write_text('mode = "proxy"\n[proxy]\npeers = ["10.0.0.2"]\n')
    assert access_settings(tmp_path).proxy.peers == ("10.0.0.2",)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("mode = local", "is not TOML"),
        ('mode = "open"', "'mode' is wrong"),
        ('mod = "local"', "'mod' is wrong"),
        ('mode = "proxy"', "needs proxy.peers"),
        ("session_hours = 0", "'session_hours' is wrong"),
    ],
)
def test_wrong_settings_let_nobody_in(tmp_path, text, sentence):
    (tmp_path / "access.toml").write_text(text)
    with pytest.raises(AccessError, match=sentence):
        access_mode(tmp_path)
