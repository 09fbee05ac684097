"""All settings of the application in one table; they are read only here."""

import logging
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import ip_address, ip_network
from pathlib import Path
from tempfile import TemporaryFile
from typing import Annotated, Any, get_type_hints

from pyramid.config.settings import Settings as PyramidSettings
from pyramid.settings import aslist
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from todo.addresses import Address, Networks

logger = logging.getLogger(__name__)

_WEB_ORIGIN = re.compile(r"https?://([a-z0-9.-]+|\[[0-9a-f:]+\])(:[0-9]+)?")
_PUBLIC_URL = re.compile(_WEB_ORIGIN.pattern + r"(/[A-Za-z0-9][A-Za-z0-9._~-]*)*")
_OWN_PATH = re.compile(r"/(api|docs|healthz|readyz)(/|$)")
_DEFAULT_PORT = re.compile(r"https:.*:443|http:.*:80")
# The origins of Electron, Capacitor and Tauri apps and of browser extensions.
_APP_ORIGIN = re.compile(r"(app|capacitor|tauri|chrome-extension|moz-extension)://[a-z0-9.-]+")

# A token (RFC 6265, section 4.1.1). Browsers give a meaning to names that begin with __.
_COOKIE_NAME = re.compile(r"(?!__)[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}")

# Pyramid's settings that are unsafe in production; it also reads each from the environment.
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
    """Return the URL with the driver that this project uses. Raise ValueError if unsupported."""
    if text.startswith("sqlite"):
        if "?" in text.rpartition("/")[2]:
            raise ValueError("must name a file, without options; write ? in its name as %3F")
        text = text.replace("?", "%3F")  # in %(here)s, a ? is part of a folder's name
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
    # SQLAlchemy 2.1 reads a bare postgresql:// as psycopg 3, and rejects postgres://.
    if url.drivername in ("postgres", "postgresql"):
        url = url.set(drivername="postgresql+psycopg2")
    if url.drivername not in ("postgresql+psycopg2", "sqlite", "sqlite+pysqlite"):
        raise ValueError("must begin with sqlite:// or postgresql://")
    hosts = str(url.host or url.query.get("host", ""))
    if "," in hosts and url.query.get("target_session_attrs") not in ("primary", "read-write"):
        raise ValueError(
            "names several hosts, so it must end with target_session_attrs=primary: another host "
            "than the primary refuses writes"
        )
    database = url.database or ":memory:"
    # SQLite reads a name that begins with "file:" as a URI, which may also mean memory.
    if url.get_backend_name() == "sqlite" and database.startswith((":memory:", "file:")):
        raise ValueError(
            "must name a file, such as sqlite:///todo.sqlite: "
            "a database in memory is lost at exit and cannot be migrated"
        )
    return url.render_as_string(hide_password=False)


def _origins(text: str) -> frozenset[str]:
    """Return the origins (RFC 6454, section 6.2) in the spelling of browsers."""
    origins = frozenset(text.split())
    for origin in origins:
        is_web = _WEB_ORIGIN.fullmatch(origin) and not _DEFAULT_PORT.fullmatch(origin)
        if not is_web and not _APP_ORIGIN.fullmatch(origin):
            raise ValueError(
                "must list origins separated by spaces, such as https://app.example.com or "
                "capacitor://localhost, in lower case, without a path and without the default port"
            )
    return origins


def _number(least: int, most: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not (text.isascii() and text.isdigit() and least <= int(text) <= most):
            raise ValueError(f"must be a whole number from {least} to {most}")
        return int(text)

    return parse


_LIMIT = _number(0, 1_000_000)


def _megabytes(text: str) -> int:
    return _number(0, 1_000_000)(text) * 1_000_000


def _days(text: str) -> timedelta:
    return timedelta(days=_number(1, 3650)(text))


def _choice(*choices: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text.strip().lower() not in choices:
            raise ValueError(f"must be {', '.join(choices[:-1])} or {choices[-1]}")
        return text.strip().lower()

    return parse


def _cookie_name(text: str) -> str:
    if not _COOKIE_NAME.fullmatch(text):
        raise ValueError(
            "must be a token (RFC 6265) of 1 to 64 characters, such as work_session, and must not "
            "begin with __; todo adds __Host- or __Secure- itself"
        )
    return text


def _public_url(text: str) -> str:
    """Return the URL, an origin in the spelling of browsers and perhaps a path, without "/"."""
    url = text.strip().removesuffix("/")
    if url and not _PUBLIC_URL.fullmatch(url):
        raise ValueError(
            "must be a URL such as https://todo.example.com or https://example.com/todo, in lower "
            "case up to the path"
        )
    if _OWN_PATH.match(_prefix(url)):
        raise ValueError("must have a path that the service does not use itself, such as /todo")
    return url


def _prefix(url: str) -> str:
    return "".join(url.partition("//")[2].partition("/")[1:])


def _networks(whose: str) -> Callable[[str], Networks]:
    """Return the parser of IP addresses and networks, separated by spaces or commas."""

    def parse(text: str) -> Networks:
        wrong = (
            f"must list IP addresses or networks of {whose}, such as 127.0.0.1 or 172.18.0.0/16, "
            "never all addresses"
        )
        try:
            networks = tuple(ip_network(each) for each in text.replace(",", " ").split())
        except ValueError:
            raise ValueError(wrong) from None
        if any(network.network_address.is_unspecified for network in networks):
            raise ValueError(wrong)
        return networks

    return parse


def _listen_address(text: str) -> tuple[Address, int] | None:
    """Return the IP address and the port, or None for nothing."""
    if not text:
        return None
    host, _, port = text.strip().rpartition(":")
    wrong = "must be an IP address and a port, such as 127.0.0.1:9464 or [::1]:9464"
    if host.startswith("[") != (":" in host):
        raise ValueError(wrong)
    try:
        address = ip_address(host.removeprefix("[").removesuffix("]"))
        number = _number(1, 2**16 - 1)(port)
    except ValueError:
        raise ValueError(wrong) from None
    # The address would seem private in its form for IPv6, and is the same without it.
    address = getattr(address, "ipv4_mapped", None) or address
    if address.is_unspecified:
        raise ValueError(f"{wrong}, never all addresses of the machine")
    return address, number


def _folder(text: str) -> Path | None:
    if not text:
        return None
    if not Path(text).is_absolute():
        raise ValueError("must be the whole path of a folder, such as /var/backups/todo")
    return Path(text)


# Environment variables with other names than their setting.
_VARIABLES = {"sqlalchemy.url": "DATABASE_URL", "todo.reading_url": "READING_DATABASE_URL"}


@dataclass(frozen=True)
class Setting:
    """One setting. `variable` in the environment wins over `name` in the ini file.

    `parse` raises ValueError; the error message is "<name> " and its text. A setting without a
    `default` is required.
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
    cookie_name: Annotated[str, Setting("todo.cookie_name", _cookie_name, "todo_session")]
    session_idle: Annotated[timedelta, Setting("todo.session_idle_days", _days, "7")]
    session_lifetime: Annotated[timedelta, Setting("todo.session_lifetime_days", _days, "30")]
    limit_login_account_address: Annotated[
        int, Setting("todo.limit_login_account_address", _LIMIT, "10")
    ]
    limit_login_address: Annotated[int, Setting("todo.limit_login_address", _LIMIT, "50")]
    limit_login_account: Annotated[int, Setting("todo.limit_login_account", _LIMIT, "100")]
    limit_login_account_address_day: Annotated[
        int, Setting("todo.limit_login_account_address_day", _LIMIT, "30")
    ]
    limit_logins_account: Annotated[int, Setting("todo.limit_logins_account", _LIMIT, "60")]
    limit_logins_address: Annotated[int, Setting("todo.limit_logins_address", _LIMIT, "500")]
    limit_registrations: Annotated[int, Setting("todo.limit_registrations", _LIMIT, "5")]
    limit_writes: Annotated[int, Setting("todo.limit_writes", _LIMIT, "0")]
    limit_reads: Annotated[int, Setting("todo.limit_reads", _LIMIT, "3000")]
    limit_write_bytes: Annotated[int, Setting("todo.limit_write_megabytes", _megabytes, "60")]
    limit_exports: Annotated[int, Setting("todo.limit_exports", _LIMIT, "10")]
    quota_tasks: Annotated[int, Setting("todo.quota_tasks", _megabytes, "200")]
    quota_journal: Annotated[int, Setting("todo.quota_journal", _megabytes, "500")]
    quota_keys: Annotated[int, Setting("todo.quota_keys", _megabytes, "100")]
    trash_retention: Annotated[timedelta, Setting("todo.trash_days", _days, "30")]
    journal_retention: Annotated[timedelta, Setting("todo.journal_days", _days, "90")]
    cors_origins: Annotated[frozenset[str], Setting("todo.cors_origins", _origins, "")]
    registration: Annotated[
        str, Setting("todo.registration", _choice("open", "invite", "closed"), "open")
    ]
    production: Annotated[bool, Setting("todo.production", _boolean, "false")]
    public_url: Annotated[str, Setting("todo.public_url", _public_url, "")]
    allow_http: Annotated[bool, Setting("todo.allow_http", _boolean, "false")]
    trusted_proxies: Annotated[Networks, Setting("todo.trusted_proxy", _networks("proxies"), "")]
    webhook_networks: Annotated[
        Networks, Setting("todo.webhook_networks", _networks("webhooks' receivers"), "")
    ]
    jobs: Annotated[bool, Setting("todo.jobs", _boolean, "true")]
    log_format: Annotated[str, Setting("todo.log_format", _choice("text", "json"), "text")]
    backup_dir: Annotated[Path | None, Setting("todo.backup_dir", _folder, "")]
    metrics_listen: Annotated[
        tuple[Address, int] | None, Setting("todo.metrics_listen", _listen_address, "")
    ]

    @property
    def is_pooled(self) -> bool:
        """Whether the database is behind pgbouncer."""
        return self.reading_url != ""

    @property
    def public_origin(self) -> str:
        """The origin of the public URL (RFC 6454)."""
        return self.public_url.removesuffix(self.prefix)

    @property
    def prefix(self) -> str:
        """The path of the public URL, such as /todo, or nothing."""
        return _prefix(self.public_url)

    @property
    def is_https(self) -> bool:
        """Whether browsers reach the service over https."""
        return self.public_url.startswith("https:")

    @property
    def is_cookie_secure(self) -> bool:
        """Whether the session cookie is Secure: browsers send it only over https."""
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
        # Never show the value: it may contain a password.
        raise SystemExit(f"todo: the setting {source} {error}") from None


def read(ini: Mapping[str, str], environ: Mapping[str, str] = os.environ) -> Settings:
    """Return the parsed settings of the ini file and the environment.

    Raise SystemExit (one line) for a missing, wrong or unknown setting.
    """
    known = {setting.name for setting in SETTINGS.values()}
    for name in ini:
        if name.startswith("todo.") and name not in known:
            raise SystemExit(f"todo: there is no setting {name}; docs/settings.md lists them all")
    return Settings(**{name: _value(setting, ini, environ) for name, setting in SETTINGS.items()})


def refuse_unsafe_production(
    settings: Settings, ini: Mapping[str, str], environ: Mapping[str, str] = os.environ
) -> None:
    """Raise SystemExit (one line) if a setting is unsafe in production.

    read() refuses a database in memory and a wildcard proxy everywhere.
    """
    if not settings.production:
        return
    pyramid = PyramidSettings(dict(ini), _environ_=environ)
    checks = [
        (f"pyramid.{flag} must be false in production", pyramid[f"pyramid.{flag}"])
        for flag in _DEBUG_FLAGS
    ]
    toolbar = any("debugtoolbar" in name for name in aslist(ini.get("pyramid.includes", "")))
    checks.append(("pyramid.includes must not have a debug toolbar in production", toolbar))
    if settings.allow_http:
        logger.warning(
            "todo.allow_http is true: passwords and tokens cross the network unencrypted"
        )
    else:
        checks.append(
            (
                "todo.public_url must be set in production to an https URL, such as "
                "https://todo.example.com, in the ini file or as TODO_PUBLIC_URL; "
                "see docs/deployment.md#run-it-safely",
                not settings.is_https,
            )
        )
    insecure = not settings.secure_cookies and (settings.is_https or not settings.allow_http)
    checks.append(("todo.secure_cookies must be true in production", insecure))
    for message, is_unsafe in checks:
        if is_unsafe:
            raise SystemExit(f"todo: the setting {message}")


def check_backup_folder(settings: Settings) -> None:
    """Raise SystemExit (one line) if todo.backup_dir is no folder or cannot be written to."""
    if settings.backup_dir is None:
        return
    try:
        TemporaryFile(dir=settings.backup_dir).close()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise SystemExit(
            f"todo: the setting todo.backup_dir: cannot write to {str(settings.backup_dir)!r}: "
            f"{reason}; create the folder, let this user write to it, or correct the setting"
        ) from None
