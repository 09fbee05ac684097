import pytest
from sqlalchemy import make_url

from tests.support.fixtures import Logs
from todo import settings
from todo.auth.policy import cookie_name

SQLITE = {"sqlalchemy.url": "sqlite:///todo.sqlite"}


def test_environment_overrides_ini_file() -> None:
    environ = {"DATABASE_URL": "sqlite:////other.sqlite", "TODO_SECURE_COOKIES": "false"}
    read = settings.read(SQLITE | {"todo.secure_cookies": "true"}, environ)
    assert read.database_url == "sqlite:////other.sqlite"
    assert read.secure_cookies is False


def test_empty_environment_variable_is_ignored() -> None:
    assert settings.read(SQLITE, {"DATABASE_URL": ""}).database_url == "sqlite:///todo.sqlite"


def test_cookies_are_secure_by_default() -> None:
    assert settings.read(SQLITE, {}).secure_cookies is True


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg2"])
def test_postgresql_url_uses_psycopg2(scheme: str) -> None:
    read = settings.read({}, {"DATABASE_URL": f"{scheme}://u:p%25%40@h:5433/d?host=%2Frun"})
    assert read.database_url == "postgresql+psycopg2://u:p%25%40@h:5433/d?host=%2Frun"


@pytest.mark.parametrize(
    ("ini", "environ", "named"),
    [
        ({}, {}, "sqlalchemy.url is missing"),
        ({"sqlalchemy.url": "secret"}, {}, "sqlalchemy.url must be a database URL"),
        ({}, {"DATABASE_URL": "postgresql://u:secret/d"}, "DATABASE_URL must be a database URL"),
        ({}, {"DATABASE_URL": "postgresql://u:p@secret@h/d"}, "DATABASE_URL must be a database"),
        ({}, {"DATABASE_URL": "postgresql://u:secret@a,b/d"}, "DATABASE_URL names several hosts"),
        (
            {},
            {"DATABASE_URL": "postgresql:///d?host=a&host=b&target_session_attrs=any"},
            "must end with target_session_attrs=primary",
        ),
        (SQLITE, {"DATABASE_URL": "mysql://u:secret@h/d"}, "DATABASE_URL must begin with"),
        (SQLITE, {"DATABASE_URL": "sqlite://"}, "DATABASE_URL must name a file"),
        (SQLITE, {"DATABASE_URL": "sqlite:///:memory:"}, "DATABASE_URL must name a file"),
        (SQLITE, {"DATABASE_URL": "sqlite:////a?b/x?mode=ro"}, "a file, without options"),
        (SQLITE, {"DATABASE_URL": "sqlite:///file:x?mode=memory&uri=true"}, "must name a file"),
        (SQLITE | {"todo.secure_cookies": "secret"}, {}, "todo.secure_cookies must be true"),
        (SQLITE | {"todo.cookie_name": "a secret"}, {}, "todo.cookie_name must be a token"),
        (SQLITE | {"todo.cookie_name": "secret="}, {}, "todo.cookie_name must be a token"),
        (SQLITE | {"todo.cookie_name": "secret\n"}, {}, "todo.cookie_name must be a token"),
        (SQLITE | {"todo.cookie_name": "secrét"}, {}, "todo.cookie_name must be a token"),
        (SQLITE | {"todo.cookie_name": "s" * 65}, {}, "todo.cookie_name must be a token"),
        (SQLITE, {"TODO_COOKIE_NAME": "__host-secret"}, "TODO_COOKIE_NAME must .* not begin"),
        (SQLITE | {"todo.cors_origins": "*"}, {}, "todo.cors_origins must list origins"),
        (SQLITE | {"todo.cors_origins": "https://a.example/secret"}, {}, "must list origins"),
        (SQLITE | {"todo.cors_origins": "https://A.example"}, {}, "must list origins"),
        (SQLITE | {"todo.cors_origins": "https://a.example:443"}, {}, "must list origins"),
        (SQLITE | {"todo.cors_origins": "file://localhost"}, {}, "must list origins"),
        (SQLITE | {"todo.cors_origins": "capacitor://localhost/x"}, {}, "must list origins"),
        (
            SQLITE | {"todo.public_url": "capacitor://localhost"},
            {},
            "todo.public_url must be a URL",
        ),
        (
            SQLITE | {"todo.registration": "secret"},
            {},
            "todo.registration must be open, invite or closed",
        ),
        (SQLITE | {"todo.production": "secret"}, {}, "todo.production must be true or false"),
        (SQLITE | {"todo.public_url": "secret.example"}, {}, "public_url must be a URL"),
        (SQLITE | {"todo.public_url": "https://a.example/secret path"}, {}, "must be a URL"),
        (SQLITE | {"todo.public_url": "https://a.example/../secret"}, {}, "must be a URL"),
        (SQLITE | {"todo.public_url": "https://a.example//secret"}, {}, "must be a URL"),
        (SQLITE | {"todo.public_url": "https://a.example/?secret"}, {}, "must be a URL"),
        (SQLITE | {"todo.public_url": "https://a.example/api/secret"}, {}, "must have a path"),
        (SQLITE | {"todo.public_url": "https://a.example/docs"}, {}, "must have a path"),
        (SQLITE | {"todo.trusted_proxy": "*"}, {}, "todo.trusted_proxy must list IP addresses"),
        (SQLITE | {"todo.trusted_proxy": "0.0.0.0"}, {}, "todo.trusted_proxy must list IP"),
        (SQLITE | {"todo.trusted_proxy": "proxy.example"}, {}, "todo.trusted_proxy must list IP"),
        (SQLITE | {"todo.trusted_proxy": "172.18.0.1/16"}, {}, "todo.trusted_proxy must list IP"),
        (SQLITE | {"todo.trusted_proxy": "::"}, {}, "todo.trusted_proxy must list IP"),
        (SQLITE | {"todo.webhook_networks": "localhost"}, {}, "must list IP addresses"),
        (SQLITE | {"todo.webhook_networks": "10.0.0.1/8"}, {}, "must list IP addresses"),
        (SQLITE | {"todo.webhook_networks": "0.0.0.0/0"}, {}, "never all addresses"),
        (SQLITE, {"TODO_TRUSTED_PROXY": "0.0.0.0/0"}, "TODO_TRUSTED_PROXY must list IP"),
        (SQLITE, {"TODO_TRUSTED_PROXY": "::/0"}, "TODO_TRUSTED_PROXY must list IP"),
        (SQLITE, {"TODO_TRUSTED_PROXY": "127.0.0.1 *"}, "TODO_TRUSTED_PROXY must list IP"),
        (SQLITE | {"todo.jobs": "secret"}, {}, "todo.jobs must be true or false"),
        (SQLITE | {"todo.log_format": "secret"}, {}, "todo.log_format must be text or json"),
        (SQLITE, {"TODO_LOG_FORMAT": "xml secret"}, "TODO_LOG_FORMAT must be text or json"),
        (SQLITE | {"todo.backup_dir": "secret"}, {}, "todo.backup_dir must be the whole path"),
        (SQLITE, {"TODO_BACKUP_DIR": "~/secret"}, "TODO_BACKUP_DIR must be the whole path"),
        (SQLITE | {"todo.metrics_listen": "secret"}, {}, "todo.metrics_listen must be an IP"),
        (SQLITE | {"todo.metrics_listen": "9464"}, {}, "todo.metrics_listen must be an IP"),
        (SQLITE | {"todo.metrics_listen": "127.0.0.1:0"}, {}, "todo.metrics_listen must be an IP"),
        (SQLITE | {"todo.metrics_listen": "127.0.0.1:x"}, {}, "todo.metrics_listen must be an IP"),
        (SQLITE | {"todo.metrics_listen": "::1:9464"}, {}, "todo.metrics_listen must be an IP"),
        (SQLITE | {"todo.metrics_listen": "[::1]"}, {}, "todo.metrics_listen must be an IP"),
        (SQLITE, {"TODO_METRICS_LISTEN": "0.0.0.0:9464"}, "METRICS_LISTEN .* never all addresses"),
        (SQLITE, {"TODO_METRICS_LISTEN": "[::]:9464"}, "METRICS_LISTEN .* never all addresses"),
        (SQLITE, {"TODO_METRICS_LISTEN": "[::ffff:0.0.0.0]:9464"}, "never all addresses"),
        (SQLITE | {"todo.secure_cookie": "true"}, {}, "no setting todo.secure_cookie"),
    ],
)
def test_invalid_setting_is_refused_by_name(
    ini: dict[str, str], environ: dict[str, str], named: str
) -> None:
    with pytest.raises(SystemExit, match=named) as stop:
        settings.read(ini, environ)
    assert "secret" not in str(stop.value)
    assert "\n" not in str(stop.value)


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("sqlite:////q?x/todo.sqlite", "/q?x/todo.sqlite"),
        ("sqlite:////q?x=1&y/a b.sqlite", "/q?x=1&y/a b.sqlite"),
        ("sqlite:////100%25/a%3Fb", "/100%/a?b"),
    ],
)
def test_sqlite_url_is_a_path(url: str, path: str) -> None:
    assert make_url(settings.read({}, {"DATABASE_URL": url}).database_url).database == path


def test_cors_origins_are_split_at_whitespace() -> None:
    text = (
        "https://app.example.com http://localhost:3000\n  http://[::1]:3000 capacitor://localhost "
        "tauri://localhost app://. chrome-extension://abcdefghijklmnopabcdefghijklmnop "
        "moz-extension://0f6b5e0c-3c5b-4f0e-9a9b-1d2f6a1c7e55"
    )
    read = settings.read(SQLITE | {"todo.cors_origins": text}, {})
    assert read.cors_origins == set(text.split())


@pytest.mark.parametrize(
    ("url", "origin", "prefix"),
    [
        ("", "", ""),
        ("https://todo.example", "https://todo.example", ""),
        ("https://todo.example:8443/", "https://todo.example:8443", ""),
        ("https://example.com/todo", "https://example.com", "/todo"),
        ("http://[::1]:8000/apps/todo.2/", "http://[::1]:8000", "/apps/todo.2"),
        ("https://example.com/apiary", "https://example.com", "/apiary"),
    ],
)
def test_public_url_has_origin_and_prefix(url: str, origin: str, prefix: str) -> None:
    read = settings.read(SQLITE | {"todo.public_url": url}, {})
    assert (read.public_origin, read.prefix) == (origin, prefix)


def test_public_url_and_networks_are_normalised() -> None:
    ini = {
        "todo.public_url": "https://todo.example:8443/",
        "todo.trusted_proxy": "0:0:0::1 , 172.18.0.0/16",
        "todo.webhook_networks": "10.0.0.0/8 fd00::/8",
    }
    read = settings.read(SQLITE | ini, {})
    assert read.public_url == "https://todo.example:8443"
    assert [str(each) for each in read.trusted_proxies] == ["::1/128", "172.18.0.0/16"]
    assert [str(each) for each in read.webhook_networks] == ["10.0.0.0/8", "fd00::/8"]


@pytest.mark.parametrize(
    ("text", "address", "port"),
    [
        ("127.0.0.1:9464", "127.0.0.1", 9464),
        (" [::1]:1 ", "::1", 1),
        ("[::ffff:192.0.2.7]:65535", "192.0.2.7", 65535),
    ],
)
def test_address_of_metrics_is_read(text: str, address: str, port: int) -> None:
    read = settings.read(SQLITE, {"TODO_METRICS_LISTEN": text}).metrics_listen
    assert read is not None
    assert (str(read[0]), read[1]) == (address, port)
    assert settings.read(SQLITE, {}).metrics_listen is None


PRODUCTION = SQLITE | {"todo.production": "true", "todo.public_url": "https://todo.example"}
PLAIN_HTTP = {"todo.allow_http": "true", "todo.public_url": ""}


def start(ini: dict[str, str], environ: dict[str, str] | None = None) -> settings.Settings:
    read = settings.read(ini, environ or {})
    settings.refuse_unsafe_production(read, ini, environ or {})
    return read


@pytest.mark.parametrize(
    ("ini", "environ", "named"),
    [
        ({"todo.public_url": ""}, {}, "todo.public_url must be set"),
        ({"todo.public_url": "http://secret.example"}, {}, "todo.public_url must be set"),
        ({}, {"TODO_PUBLIC_URL": "http://secret.example"}, "todo.public_url must be set"),
        ({"todo.secure_cookies": "false"}, {}, "todo.secure_cookies must be true"),
        ({"pyramid.debug_all": "true"}, {}, "pyramid.debug_all must be false"),
        ({"pyramid.debug_authorization": "true"}, {}, "pyramid.debug_authorization must be false"),
        ({"pyramid.debug_notfound": "1"}, {}, "pyramid.debug_notfound must be false"),
        ({"pyramid.debug_routematch": "yes"}, {}, "pyramid.debug_routematch must be false"),
        ({"pyramid.debug_templates": "on"}, {}, "pyramid.debug_templates must be false"),
        ({"debug_templates": "true"}, {}, "pyramid.debug_templates must be false"),
        ({"pyramid.reload_all": "true"}, {}, "pyramid.reload_all must be false"),
        ({"pyramid.reload_templates": "true"}, {}, "pyramid.reload_templates must be false"),
        ({"pyramid.reload_assets": "true"}, {}, "pyramid.reload_assets must be false"),
        ({"pyramid.reload_resources": "true"}, {}, "pyramid.reload_assets must be false"),
        ({}, {"PYRAMID_DEBUG_NOTFOUND": "1"}, "pyramid.debug_notfound must be false"),
        ({"pyramid.includes": "a\npyramid_debugtoolbar"}, {}, "pyramid.includes must not"),
        (PLAIN_HTTP | {"pyramid.debug_all": "true"}, {}, "pyramid.debug_all must be false"),
    ],
)
def test_unsafe_production_setting_is_refused(
    ini: dict[str, str], environ: dict[str, str], named: str
) -> None:
    with pytest.raises(SystemExit, match=f"the setting {named}") as stop:
        start(PRODUCTION | ini, environ)
    assert "secret" not in str(stop.value)
    assert "\n" not in str(stop.value)
    start(PRODUCTION | ini | {"todo.production": "false"}, environ)


@pytest.mark.parametrize(
    ("ini", "name", "secure"),
    [
        (PRODUCTION, "__Host-todo_session", True),
        (PRODUCTION | {"todo.trusted_proxy": "127.0.0.1"}, "__Host-todo_session", True),
        (PRODUCTION | {"todo.allow_http": "true"}, "__Host-todo_session", True),
        (PRODUCTION | PLAIN_HTTP, "todo_session", False),
        (PRODUCTION | PLAIN_HTTP | {"todo.public_url": "http://todo.lan"}, "todo_session", False),
        (PRODUCTION | PLAIN_HTTP | {"todo.secure_cookies": "false"}, "todo_session", False),
        (PRODUCTION | {"todo.cookie_name": "a.b"}, "__Host-a.b", True),
        (
            PRODUCTION | {"todo.public_url": "https://example.com/todo"},
            "__Secure-todo_session",
            True,
        ),
        (SQLITE | {"todo.cookie_name": "a.b"}, "a.b", True),
        (SQLITE, "todo_session", True),
        (SQLITE | {"todo.secure_cookies": "false"}, "todo_session", False),
    ],
)
def test_cookie_name_and_secure_flag_follow_settings(
    ini: dict[str, str], name: str, secure: bool
) -> None:
    read = start(ini)
    assert (cookie_name(read), read.is_cookie_secure) == (name, secure)


@pytest.mark.parametrize(("ini", "warnings"), [(PLAIN_HTTP, 1), ({}, 0)])
def test_production_over_plain_http_logs_warning(
    ini: dict[str, str], warnings: int, caplog: Logs
) -> None:
    start(PRODUCTION | ini)
    assert [record.levelname for record in caplog.records] == ["WARNING"] * warnings
    assert caplog.text.count("todo.allow_http") == warnings
