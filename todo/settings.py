"""Every setting of the application, in one table: the only place where one is read."""

import logging
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import ip_address
from typing import Annotated, Any, get_type_hints

from pyramid.config.settings import Settings as PyramidSettings
from pyramid.settings import aslist
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

logger = logging.getLogger(__name__)

_ORIGIN = re.compile(r"https?://([a-z0-9.-]+|\[[0-9a-f:]+\])(:[0-9]+)?")

# What Pyramid shows or does beyond what a user shall see; it takes each from the environment, too.
_DEBUG_FLAGS = (
    "debug_all",
    "debug_authorization",
    "debug_notfound",
    "debug_routematch",
    "debug_templates",
    "reload_all",
    "reload_assets",
    "reload_templates",
)


def _boolean(text: str) -> bool:
    values = {"true": True, "false": False}
    try:
        return values[text.strip().lower()]
    except KeyError:
        raise ValueError("must be true or false") from None


def parse_database_url(text: str) -> str:
    """Return the URL with the driver that this project is tested with."""
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        url = None
    if url is None or "@" in (url.host or ""):
        raise ValueError(
            "must be a database URL, such as sqlite:////var/lib/todo/todo.sqlite "
            "or postgresql://user:password@host/database, "
            "with @, : and / in a password written as %40, %3A and %2F"
        )
    # SQLAlchemy 2.1 reads a bare postgresql:// as psycopg 3, and does not know postgres://.
    if url.drivername in ("postgres", "postgresql"):
        url = url.set(drivername="postgresql+psycopg2")
    if url.drivername not in ("postgresql+psycopg2", "sqlite", "sqlite+pysqlite"):
        raise ValueError("must begin with sqlite:// or postgresql://")
    database = url.database or ":memory:"
    # SQLite takes a name that begins with "file:" for a URI, which may name memory, too.
    if url.get_backend_name() == "sqlite" and database.startswith((":memory:", "file:")):
        raise ValueError(
            "must name a file: a database in memory would be lost, and cannot be migrated"
        )
    return url.render_as_string(hide_password=False)


def _origins(text: str) -> frozenset[str]:
    """Return the origins (RFC 6454, section 6.2), as a browser writes them."""
    origins = frozenset(text.split())
    for origin in origins:
        if not _ORIGIN.fullmatch(origin) or re.fullmatch(r"https:.*:443|http:.*:80", origin):
            raise ValueError(
                "must list origins, such as https://app.example.com, in small letters, "
                "without a path and without the port that is meant anyway, with spaces between"
            )
    return origins


def _number(least: int, most: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not (text.isascii() and text.isdigit() and least <= int(text) <= most):
            raise ValueError(f"must be a whole number from {least} to {most}")
        return int(text)

    return parse


_LIMIT = _number(0, 1_000_000)


def _days(text: str) -> timedelta:
    return timedelta(days=_number(1, 3650)(text))


def _public_url(text: str) -> str:
    """Return the URL as the origin that a browser has on it."""
    url = text.strip().removesuffix("/")
    if url and not _ORIGIN.fullmatch(url):
        raise ValueError("must be a URL such as https://todo.example.com, without a path")
    return url


def _proxy(text: str) -> str:
    """Return the address as the socket has it."""
    if not text:
        return ""
    wrong = "must be the IP address of one proxy, such as 127.0.0.1, never of all"
    try:
        address = ip_address(text.strip())
    except ValueError:
        raise ValueError(wrong) from None
    if address.is_unspecified:
        raise ValueError(wrong)
    return str(address)


# The variables of the environment that are not named like their setting.
_VARIABLES = {"sqlalchemy.url": "DATABASE_URL", "todo.reading_url": "READING_DATABASE_URL"}


@dataclass(frozen=True)
class Setting:
    """One setting: `variable` in the environment wins over `name` in the ini file.

    `parse` raises ValueError with the words that follow "<name> " in the error.
    Without a `default` the setting is required.
    """

    name: str
    parse: Callable[[str], Any]
    default: str | None = None

    @property
    def variable(self) -> str:
        return _VARIABLES.get(self.name) or self.name.replace(".", "_").upper()


@dataclass(kw_only=True)
class Settings:
    """The settings of the application."""

    database_url: Annotated[str, Setting("sqlalchemy.url", parse_database_url)]
    reading_url: Annotated[
        str, Setting("todo.reading_url", lambda url: url and parse_database_url(url), "")
    ]
    prepared_statements: Annotated[bool, Setting("todo.prepared_statements", _boolean, "true")]
    secure_cookies: Annotated[bool, Setting("todo.secure_cookies", _boolean, "true")]
    session_idle: Annotated[timedelta, Setting("todo.session_idle_days", _days, "7")]
    session_lifetime: Annotated[timedelta, Setting("todo.session_lifetime_days", _days, "30")]
    limit_login_account_address: Annotated[
        int, Setting("todo.limit_login_account_address", _LIMIT, "10")
    ]
    limit_login_address: Annotated[int, Setting("todo.limit_login_address", _LIMIT, "50")]
    limit_login_account: Annotated[int, Setting("todo.limit_login_account", _LIMIT, "100")]
    limit_registrations: Annotated[int, Setting("todo.limit_registrations", _LIMIT, "5")]
    limit_writes: Annotated[int, Setting("todo.limit_writes", _LIMIT, "0")]
    trash_retention: Annotated[timedelta, Setting("todo.trash_days", _days, "30")]
    journal_retention: Annotated[timedelta, Setting("todo.journal_days", _days, "90")]
    cors_origins: Annotated[frozenset[str], Setting("todo.cors_origins", _origins, "")]
    production: Annotated[bool, Setting("todo.production", _boolean, "false")]
    public_url: Annotated[str, Setting("todo.public_url", _public_url, "")]
    allow_http: Annotated[bool, Setting("todo.allow_http", _boolean, "false")]
    trusted_proxy: Annotated[str, Setting("todo.trusted_proxy", _proxy, "")]

    @property
    def is_pooled(self) -> bool:
        """Whether pgbouncer stands in front of the database."""
        return self.reading_url != ""

    @property
    def is_https(self) -> bool:
        """Whether browsers reach the service by https."""
        return self.public_url.startswith("https:")

    @property
    def is_cookie_secure(self) -> bool:
        """Whether browsers shall send the session cookie over https alone."""
        return self.secure_cookies and (self.is_https or not self.allow_http)


SETTINGS: dict[str, Setting] = {
    name: hint.__metadata__[0]
    for name, hint in get_type_hints(Settings, include_extras=True).items()
}


def _value(setting: Setting, ini: Mapping[str, str], environ: Mapping[str, str]) -> Any:
    for source, values in ((setting.variable, environ), (setting.name, ini)):
        if values.get(source, "") != "":
            text = values[source]
            break
    else:
        if setting.default is None:
            raise SystemExit(
                f"todo: the setting {setting.name} is missing: "
                f"set it in the ini file, or {setting.variable} in the environment"
            )
        source, text = setting.name, setting.default
    try:
        return setting.parse(text)
    except ValueError as error:
        # The value stays out of the message: it may hold a password.
        raise SystemExit(f"todo: the setting {source} {error}") from None


def read(ini: Mapping[str, str], environ: Mapping[str, str] = os.environ) -> Settings:
    """Return the settings of the ini file and the environment, parsed.

    Raises SystemExit with one line that names a setting which is missing, wrong or unknown.
    """
    known = {setting.name for setting in SETTINGS.values()}
    for name in ini:
        if name.startswith("todo.") and name not in known:
            raise SystemExit(f"todo: there is no setting {name}; see Settings in README.md")
    return Settings(**{name: _value(setting, ini, environ) for name, setting in SETTINGS.items()})


def refuse_unsafe_production(
    settings: Settings, ini: Mapping[str, str], environ: Mapping[str, str] = os.environ
) -> None:
    """Stop the start in production (SystemExit, one line) if a setting is unsafe there.

    A database in memory and a proxy that is everybody are refused always, where they are read.
    """
    if not settings.production:
        return
    pyramid = PyramidSettings(dict(ini), _environ_=environ)
    unsafe = [
        (f"pyramid.{flag} must be false in production", pyramid[f"pyramid.{flag}"])
        for flag in _DEBUG_FLAGS
    ]
    toolbar = any("debugtoolbar" in name for name in aslist(ini.get("pyramid.includes", "")))
    unsafe.append(("pyramid.includes must not have a debug toolbar in production", toolbar))
    if settings.allow_http:
        logger.warning(
            "todo.allow_http is true: anybody on the network can read passwords and tokens"
        )
    else:
        unsafe.append(
            (
                "todo.public_url must be set in production, in the ini file or as TODO_PUBLIC_URL, "
                "to an https URL; see Running it safely in README.md",
                not settings.is_https,
            )
        )
    insecure = not settings.secure_cookies and (settings.is_https or not settings.allow_http)
    unsafe.append(("todo.secure_cookies must be true in production", insecure))
    for validation_problem, found in unsafe:
        if found:
            raise SystemExit(f"todo: the setting {validation_problem}")
