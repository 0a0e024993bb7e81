"""How people are known in a home: the settings in `access.toml`."""

import tomllib
from dataclasses import field
from pathlib import Path
from typing import Annotated, Literal

from annotated_types import Interval
from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from labeler.access.home import home
from labeler.core.errors import AccessError

Mode = Literal["none", "local", "oidc", "proxy"]
FILE = "access.toml"
OIDC_FILE = "oidc.toml"  # the section [auth] of Streamlit's secrets
_STRICT = ConfigDict(extra="forbid")


@dataclass(frozen=True, config=_STRICT)
class Oidc:
    """Log-in at an OpenID provider, whose address and client stand in `oidc.toml` as Streamlit's `st.login` reads it.

    `roles` maps a value of the claim `role_claim` to `admin`, to a role in all projects, or to `FOLDER:ROLE` in one.
    """

    name_claim: str = "preferred_username"
    role_claim: str = "groups"
    roles: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, config=_STRICT)
class Proxy:
    """A proxy that has checked who somebody is, and says so in a header. Only its addresses are believed."""

    peers: tuple[str, ...] = ()
    header: str = "X-Forwarded-User"


@dataclass(frozen=True, config=_STRICT)
class AccessSettings:
    """How people are known. `none`: one person on this machine, who types a name."""

    mode: Mode = "none"
    session_hours: Annotated[float, Interval(gt=0, le=8760)] = 168.0  # without use, after which a log-in ends
    admins: tuple[str, ...] = ()  # names at the provider or the proxy that are admins
    oidc: Oidc = field(default_factory=Oidc)
    proxy: Proxy = field(default_factory=Proxy)


_ADAPTER = TypeAdapter(AccessSettings)
# Settings read so far, with their file's time, inode and size: each request asks for them, and they hardly ever change.
_read: dict[Path, tuple[tuple[int, int, int], AccessSettings]] = {}


def access_settings(folder: Path | None = None) -> AccessSettings:
    """The settings of a home, by default of this one. A home without the file has the mode `none`.

    Raises: AccessError: the file is not TOML, or a setting is wrong: nobody gets in by mistake.
    """
    path = (folder or home()) / FILE
    try:
        state = path.stat()
    except FileNotFoundError:
        return AccessSettings()
    fingerprint = (state.st_mtime_ns, state.st_ino, state.st_size)
    if path not in _read or _read[path][0] != fingerprint:
        _read[path] = (fingerprint, _parsed(path))
    return _read[path][1]


def _parsed(path: Path) -> AccessSettings:
    try:
        settings = _ADAPTER.validate_python(tomllib.loads(path.read_text(encoding="utf-8-sig")))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise AccessError("{path} is not TOML: {error}", path=path, error=error) from None
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        name = ".".join(str(part) for part in problem["loc"])
        raise AccessError(
            "{path}: the setting {name!r} is wrong: {problem}", path=path, name=name, problem=problem["msg"]
        ) from None
    if settings.mode == "proxy" and not settings.proxy.peers:
        raise AccessError(
            "{path}: the mode 'proxy' needs proxy.peers, the addresses that the proxy connects from.", path=path
        )
    return settings


def access_mode(folder: Path | None = None) -> Mode:
    """How people are known in a home, by default in this one. Raises: AccessError."""
    return access_settings(folder).mode
