"""The headers of every answer: what a browser may load, show and keep of it."""

import base64
import hashlib
from collections.abc import Iterable

from starlette.datastructures import MutableHeaders

# Nobody outside learns the address of a page. Pages with forms need the other one: for "no-referrer" a browser says
# `Origin: null` where a form is sent.
REFERRER, REFERRER_OF_FORMS = "no-referrer", "same-origin"
PERMISSIONS = ", ".join(
    f"{name}=()"
    for name in (
        "accelerometer", "camera", "display-capture", "geolocation", "gyroscope", "magnetometer", "microphone", "midi",
        "payment", "usb",
    )
)  # fmt: skip
NOT_KEPT = ("application/json", "application/problem+json", "text/html")


def content_security_policy(scripts: Iterable[str], embedded_in: Iterable[str]) -> str:
    """The policy under which the pages work, and nothing of another host is loaded.

    Args: scripts: text of each script that stands within a page. embedded_in: origins whose pages may frame the app.
    """
    hashes = " ".join(sorted({f"'sha256-{_digest(script)}'" for script in scripts}))
    return "; ".join(
        [
            "default-src 'none'",
            # blob: Streamlit hands the desk's script to the browser so; only a script that runs already can make one
            f"script-src 'self' blob: {hashes}".rstrip(),
            # Streamlit's components set their styles while they run, and Vega and our pages as attributes
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data: blob:",  # icons of Streamlit; pictures that the desk has fetched
            "font-src 'self' data:",
            "connect-src 'self'",
            "media-src 'self'",
            "manifest-src 'self'",
            "worker-src 'self' blob:",  # tables of Streamlit
            "form-action 'self'",
            "base-uri 'none'",
            f"frame-ancestors {' '.join(embedded_in) or chr(39) + 'none' + chr(39)}",
        ]
    )


def _digest(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


def secure_cookies(headers: MutableHeaders) -> None:
    """Let the browser send each cookie over TLS alone. Streamlit's own cookies of a log-in do not ask for it."""
    for number, (name, value) in enumerate(headers.raw):
        if name.lower() == b"set-cookie" and b"; secure" not in value.lower():
            headers.raw[number] = (name, value + b"; Secure")


def add_headers(headers: MutableHeaders, policy: str, has_forms: bool) -> None:
    """Add what every answer carries, and forbid keeping what is about people.

    Args: has_forms: whether the page's forms are sent to this server.
    """
    headers["Content-Security-Policy"] = policy
    headers["X-Content-Type-Options"] = "nosniff"
    headers["Referrer-Policy"] = REFERRER_OF_FORMS if has_forms else REFERRER
    headers["Permissions-Policy"] = PERMISSIONS
    headers["Cross-Origin-Resource-Policy"] = "same-origin"
    headers["Cross-Origin-Opener-Policy"] = "same-origin"
    if headers.get("content-type", "").partition(";")[0].strip().lower() in NOT_KEPT:
        headers["Cache-Control"] = "no-store"
    elif "cache-control" not in headers:
        is_download = headers.get("content-disposition", "").startswith("attachment")
        headers["Cache-Control"] = "no-store" if is_download else "private"
