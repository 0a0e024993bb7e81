"""Pages of accounts, outside Streamlit, since only an HTTP answer sets a cookie that no script can read.

GET, POST /account/login                 log in; `next`: the page that is opened then
GET       /account                       who is logged in; change of the password
POST      /account/password, /account/logout
GET, POST /account/invitation/{secret}   choose name and password, or a new password

All addresses in them are relative, so they work below any path.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from jinja2 import Environment, FileSystemLoader, select_autoescape
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from labeler.access import accounts
from labeler.access.home import home
from labeler.access.passwords import LONGEST, SHORTEST
from labeler.access.settings import access_mode, access_settings
from labeler.access.users import User
from labeler.core.errors import AccessError, LabelerError
from labeler.i18n.messages import LANGUAGES, _, language, preferred, translate, use
from labeler.projects import people
from labeler.store.accounts.invitations import Invitation

COOKIE = "labeler-session"
# Of an HTML page with forms and no script. Nobody's password stays in a cache.
_HEADERS = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}


@dataclass(frozen=True)
class Field:
    name: str
    label: str
    type: str = "password"
    value: str = ""
    autocomplete: str = "off"
    fixed: bool = False


@dataclass(frozen=True)
class Button:
    text: str
    value: str = ""


@dataclass(frozen=True)
class Link:
    address: str
    text: str


@dataclass(frozen=True)
class Form:
    action: str
    fields: tuple[Field, ...]
    buttons: tuple[Button, ...]
    heading: str = ""
    note: str = ""
    hidden: dict[str, str] = field(default_factory=dict)
    is_first: bool = True  # what the page is for: its first empty field has the focus

    @property
    def focus(self) -> str:
        """The name of the field that has the focus; "" where none has it."""
        return next((each.name for each in self.fields if not each.value), "") if self.is_first else ""


@dataclass(frozen=True)
class Page:
    title: str
    forms: tuple[Form, ...] = ()
    lead: str = ""
    error: str = ""  # why what was asked for is not done
    done: str = ""
    back: Link | None = None

    def answer(self, refused: int = 403) -> Response:
        """Args: refused: the status of a page with an error."""
        content = _template().render(vars(self), language=language())
        return HTMLResponse(content, refused if self.error else 200, headers=_HEADERS)


def user_of(request: Request) -> User | None:
    """The user whose session's cookie the request carries; None without one."""
    return accounts.user_of_secret(request.cookies.get(COOKIE, ""))


def local_address(address: str) -> str:
    """An address of this server to go on to, relative to the pages of accounts; the first page for any other."""
    parts = urlsplit(address)
    is_local = not (parts.scheme or parts.netloc) and "\\" not in address and not address.startswith("//")
    return "../" + address.lstrip("/") if is_local and address.isprintable() else "../"


# ---------------------------------------------------------------- log-in


def login(request: Request, form: FormData | None) -> Response:
    if access_mode() != "local":
        return _go("../")
    onward = local_address(str((form or request.query_params).get("next", "")))
    error, name = "", ""
    if form is None:
        if user_of(request):
            return _go(onward)
    else:
        name = str(form.get("name", ""))
        try:
            secret = accounts.log_in(name, str(form.get("password", "")), _address(request))
        except AccessError as refusal:
            error = translate(refusal)
        else:
            return _with_session(_go(onward), request, secret)
    fields = (
        Field("name", _("Name"), "text", name, "username"),
        Field("password", _("Password"), autocomplete="current-password"),
    )
    form_of_page = Form("login", fields, (Button(_("Log in")),), hidden={"next": onward.removeprefix("..")})
    help_line = _("Have you forgotten your password? An admin of this labeler can send you a link.")
    return Page(_("Log in"), (form_of_page,), help_line, error).answer()


def logout(request: Request, form: FormData | None) -> Response:
    user = user_of(request)
    if user:
        accounts.log_out(user, bool(form and form.get("all")), _address(request))
    response = _to_log_in()
    response.delete_cookie(COOKIE, path=_path(request))
    return response


# ---------------------------------------------------------------- one's own account


def own_account(request: Request, form: FormData | None) -> Response:
    """Who is logged in, and the form that changes the password; `form`: what was sent to change it."""
    user = user_of(request)
    if user is None or access_mode() != "local":
        return _to_log_in()
    error, done = "", ""
    if form is not None:
        try:
            accounts.change_password(user, str(form.get("old", "")), str(form.get("new", "")), _address(request))
            done = _("The password is changed. All other log-ins of this account have ended.")
        except AccessError as refusal:
            error = translate(refusal)
    fields = (
        Field("old", _("Present password"), autocomplete="current-password"),
        Field("new", _("New password"), autocomplete="new-password"),
    )
    out = (Button(_("Log out")), Button(_("Log out on all devices"), "1"))
    forms = (
        Form("logout", (), out),
        Form(
            "password", fields, (Button(_("Change the password")),), _("Change the password"), _rule(), is_first=False
        ),
    )
    lead = _("You are an admin of this labeler.") if user.is_admin else ""
    back = Link(f"../?language={language()}", _("Back to labeling"))
    return Page(user.name, forms, lead, error, done, back).answer()


# ---------------------------------------------------------------- invitations


def invited(request: Request, form: FormData | None) -> Response:
    """The page of an invitation, or of a link for a new password."""
    secret, error, name = request.path_params["secret"], "", ""
    try:
        invitation = accounts.invitation(secret)
    except AccessError as refusal:
        back = Link(f"../login?language={language()}", _("Log in"))
        return Page(_("Invitation"), error=translate(refusal), back=back).answer(404)
    if form is not None:
        name = str(form.get("name", ""))
        try:
            password, taken = str(form.get("password", "")), people.names_in_use(home())
            session = accounts.accept(secret, name, password, _address(request), taken)
        except AccessError as refusal:
            error = translate(refusal)
        else:
            return _with_session(_go("../../"), request, session)
    title = _("Choose a new password") if invitation.account is not None else _("Welcome")
    forms = (_form_of_invitation(invitation, secret, name),)
    return Page(title, forms, _lead_of_invitation(invitation), error).answer()


def _form_of_invitation(invitation: Invitation, secret: str, name: str) -> Form:
    account = accounts.accounts().accounts.by_id(invitation.account) if invitation.account is not None else None
    fixed = account.name if account else invitation.name
    note = _("The name is stored with every answer and cannot be changed later.") + " " if fixed is None else ""
    fields = (
        Field("name", _("Name"), "text", fixed or name, "username", fixed is not None),
        Field("password", _("Password"), autocomplete="new-password"),
    )
    return Form(secret, fields, (Button(_("Go on")),), note=note + _rule())


def _rule() -> str:
    """What a new password must be, said before one is tried."""
    return _(
        "A password has {shortest} to {longest} characters. Several words make a good one.",
        shortest=SHORTEST,
        longest=LONGEST,
    )


def _lead_of_invitation(invitation: Invitation) -> str:
    if invitation.account is not None:
        return _("All log-ins of this account end when the new password is chosen.")
    name = next((p.config.name for p in people.readable(home()) if p.uid == invitation.project), None)
    if name:
        return _("{by} invites you to the project {project}.", by=invitation.by, project=name)
    return _("{by} invites you to this labeler.", by=invitation.by)


# ---------------------------------------------------------------- the frame


def notice(title: str, error: str, status: int) -> Response:
    """A page that says what is wrong."""
    return Page(title, error=error).answer(status)


@cache
def _template() -> Any:
    loader = FileSystemLoader(Path(__file__).parent)
    return Environment(loader=loader, autoescape=select_autoescape(), trim_blocks=True).get_template("account.html")


def _go(address: str) -> Response:
    """A redirect that is followed with GET."""
    return RedirectResponse(address, 303, headers=_HEADERS)


def _to_log_in() -> Response:
    """The log-in, and behind it the first page, in the language that was chosen."""
    return _go(f"login?{urlencode({'next': f'/?language={language()}'})}")


def _with_session(response: Response, request: Request, secret: str) -> Response:
    response.set_cookie(
        COOKIE,
        secret,
        max_age=int(3600 * access_settings().session_hours),
        path=_path(request),
        secure=request.url.scheme == "https",
        httponly=True,
        samesite="lax",
    )
    return response


def _path(request: Request) -> str:
    """The path below which the cookie is sent: that of the whole app."""
    return request.url.path.partition("/account")[0] or "/"


def _address(request: Request) -> str:
    return request.client.host if request.client else ""


def _use_language(request: Request, form: FormData | None) -> None:
    """Use the language of the page that led here, else the one that the browser asks for."""
    values = form or request.query_params
    onward = parse_qs(urlsplit(str(values.get("next", ""))).query)
    choice = str(values.get("language") or "".join(onward.get("language", [])))
    use(choice if choice in LANGUAGES else preferred(request.headers.get("accept-language")))


Handler = Callable[[Request, FormData | None], Response]


def _route(path: str, handler: Handler, *methods: str) -> Route:
    async def endpoint(request: Request) -> Response:
        form = await request.form(max_files=0, max_fields=10) if request.method == "POST" else None

        def answer() -> Response:
            _use_language(request, form)
            return handler(request, form)

        try:
            return await run_in_threadpool(answer)
        except LabelerError as error:
            _use_language(request, form)
            return Page(_("Log in"), error=translate(error)).answer(503)

    return Route(path, endpoint, methods=[*methods])


routes = [
    _route("/account/login", login, "GET", "POST"),
    _route("/account/logout", logout, "POST"),
    Route("/account", lambda request: _go("account/"), methods=["GET"]),
    _route("/account/", own_account, "GET"),
    _route("/account/password", own_account, "POST"),
    _route("/account/invitation/{secret}", invited, "GET", "POST"),
]
