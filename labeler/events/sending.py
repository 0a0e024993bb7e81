"""A message to a webhook: its body, its signature, and the request."""

import base64
import hashlib
import hmac
import json
import secrets

from labeler.core.errors import LabelerError
from labeler.core.events import Delivery
from labeler.events.requests import request

PREFIX = "whsec_"


def new_secret() -> str:
    """A secret that bodies are signed with, in the form of Standard Webhooks."""
    return PREFIX + base64.b64encode(secrets.token_bytes(24)).decode()


def body(delivery: Delivery, project: str, name: str) -> bytes:
    """The JSON body of a message.

    Args: project: its uid. name: of the project.
    """
    message = {
        "type": delivery.event,
        "timestamp": delivery.at,
        "project": {"uid": project, "name": name},
        "data": delivery.data,
    }
    return json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode()


def signature(secret: str, uid: str, at: int, content: bytes) -> str:
    """The signature of a body: HMAC-SHA256 in base64, after its version.

    Source: Standard Webhooks, specification 1.0, "Signature scheme".
    """
    key = base64.b64decode(secret.removeprefix(PREFIX))
    return "v1," + base64.b64encode(hmac.digest(key, f"{uid}.{at}.".encode() + content, hashlib.sha256)).decode()


def send(delivery: Delivery, secret: str, content: bytes, at: int) -> None:
    """Send a message. No redirect is followed.

    Args:   at: Unix time of the attempt.
    Raises: LabelerError: the receiver cannot be reached, or answers with another status than 2xx.
    """
    headers = {
        "Content-Type": "application/json",
        "webhook-id": delivery.uid,
        "webhook-timestamp": str(at),
        "webhook-signature": signature(secret, delivery.uid, at, content),
    }
    status = request("POST", delivery.url, headers, content, most=0).status
    if not 200 <= status < 300:
        raise LabelerError("The answer was {status}.", status=status)
