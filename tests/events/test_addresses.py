"""Webhooks reach public addresses with TLS, and others only where whoever runs the server has named them."""

import socket

import pytest

from labeler.events import addresses
from labeler.events.addresses import WebhookError, address_of, checked, shown


def resolve_to(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.setattr(addresses.socket, "getaddrinfo", lambda *_, **__: [(socket.AF_INET, 1, 6, "", (address, 443))])


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.org/x",
        "https:///x",
        "example.org",
        "https://example.org/a b",
        "https://example.org:99999/",
        "https://kim:secret@example.org/",
        "https://example.org/#part",
        "https://example.org/" + "x" * 2000,
        "http://example.org/",
        "https://kim:secret@[example.org/",
    ],
)
def test_an_address_that_webhooks_may_not_have_is_refused(url: str) -> None:
    with pytest.raises(WebhookError) as refused:
        checked(url)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "10.0.0.5", "169.254.169.254", "::1", "fd00::1", "0.0.0.0", "224.0.0.1", "fec0::1"),
        # of IPv4, in an address of IPv6: NAT64, 6to4, mapped and translated ones
        *(
            "64:ff9b::a9fe:a9fe",
            "64:ff9b:1::a00:1",
            "2002:a00:5::1",
            "::ffff:10.0.0.5",
            "::10.0.0.5",
            "::ffff:0:10.0.0.5",
        ),
    ],
)
def test_an_address_of_this_network_is_reached_only_where_it_is_named(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolve_to(monkeypatch, address)
    parts = checked("https://hooks.example.org:8443/x")
    with pytest.raises(WebhookError, match="not in the public network"):
        address_of(parts)
    monkeypatch.setenv(addresses.VARIABLE, "other.example.org hooks.example.org:8443")
    assert address_of(parts) == address


@pytest.mark.parametrize("address", ["93.184.215.14", "2606:2800:21f::1", "64:ff9b::5db8:d70e", "2002:5db8:d70e::1"])
def test_a_public_address_is_reached(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    resolve_to(monkeypatch, address)
    assert address_of(checked("https://example.org/x")) == address


def test_people_see_no_path_and_no_password() -> None:
    assert shown("https://kim:secret@example.org:8443/services/T0/B0/XXXX?key=1") == "https://example.org:8443/…"


def test_a_host_that_has_no_possible_name_is_unknown() -> None:
    with pytest.raises(WebhookError, match="unknown"):
        address_of(checked(f"https://{'x' * 64}.example.org/"))
