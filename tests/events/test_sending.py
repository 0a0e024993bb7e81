"""A message to a webhook is signed as Standard Webhooks says, and sent to the address that was checked."""

import base64
import hashlib
import hmac
from collections.abc import Iterator

import pytest

from labeler.core.errors import LabelerError
from labeler.core.events import Delivery
from labeler.events import addresses
from labeler.events.sending import body, new_secret, send, signature
from tests.support.receiver import Receiver, receiver


@pytest.fixture
def hook(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    with receiver() as got:
        monkeypatch.setenv(addresses.VARIABLE, got.host)
        yield got


def delivery(url: str) -> Delivery:
    data = {"round": 3, "accuracy": 0.8}
    return Delivery(1, "a1b2", 1, url, "round.finished", data, "2026-11-27T10:00:00+00:00", 0, 0.0, None, "")


def test_the_signature_is_that_of_the_specifications_example() -> None:
    # Standard Webhooks: libraries/README, "test vectors"
    content = b'{"test": 2432232314}'
    made = signature("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, content)
    assert made == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_the_receiver_gets_a_body_that_its_secret_confirms(hook: Receiver) -> None:
    secret, sent = new_secret(), delivery(hook.url)
    send(sent, secret, body(sent, "uid-1", "Beschwerden 불만"), 1_700_000_000)
    (message,), (headers,) = hook.messages, hook.headers
    assert message["type"] == "round.finished"
    assert message["project"] == {"uid": "uid-1", "name": "Beschwerden 불만"}
    assert message["data"] == {"round": 3, "accuracy": 0.8}
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = b"a1b2.1700000000." + hook.bodies[0]
    expected = base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
    assert headers["webhook-signature"] == f"v1,{expected}"
    assert (headers["webhook-id"], headers["webhook-timestamp"]) == ("a1b2", "1700000000")


@pytest.mark.parametrize("status", [302, 404, 500])
def test_another_answer_than_2xx_is_a_failure_and_no_redirect_is_followed(hook: Receiver, status: int) -> None:
    hook.statuses.append(status)
    with pytest.raises(LabelerError, match=str(status)):
        send(delivery(hook.url), new_secret(), b"{}", 0)
    assert len(hook.bodies) == 1


def test_a_receiver_that_is_not_there_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    with receiver() as gone:
        monkeypatch.setenv(addresses.VARIABLE, gone.host)
    with pytest.raises(LabelerError, match="There is no answer"):
        send(delivery(gone.url), new_secret(), b"{}", 0)
