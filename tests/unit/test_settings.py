import pytest

from todo import settings

SQLITE = {"sqlalchemy.url": "sqlite:///todo.sqlite"}


def test_environment_wins_over_the_ini_file() -> None:
    environ = {"DATABASE_URL": "sqlite:////other.sqlite", "TODO_SECURE_COOKIES": "false"}
    read = settings.read(SQLITE | {"todo.secure_cookies": "true"}, environ)
    assert read["sqlalchemy.url"] == "sqlite:////other.sqlite"
    assert read["todo.secure_cookies"] is False


def test_empty_variable_is_none() -> None:
    assert settings.read(SQLITE, {"DATABASE_URL": ""})["sqlalchemy.url"] == "sqlite:///todo.sqlite"


def test_defaults_are_the_safe_ones() -> None:
    assert settings.read(SQLITE, {})["todo.secure_cookies"] is True


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg2"])
def test_postgresql_means_psycopg2(scheme: str) -> None:
    read = settings.read({}, {"DATABASE_URL": f"{scheme}://u:p%25%40@h:5433/d?host=%2Frun"})
    assert read["sqlalchemy.url"] == "postgresql+psycopg2://u:p%25%40@h:5433/d?host=%2Frun"


@pytest.mark.parametrize(
    ("ini", "environ", "named"),
    [
        ({}, {}, "sqlalchemy.url is missing"),
        ({"sqlalchemy.url": "secret"}, {}, "sqlalchemy.url must be a database URL"),
        ({}, {"DATABASE_URL": "postgresql://u:secret/d"}, "DATABASE_URL must be a database URL"),
        ({}, {"DATABASE_URL": "postgresql://u:p@secret@h/d"}, "DATABASE_URL must be a database"),
        (SQLITE, {"DATABASE_URL": "mysql://u:secret@h/d"}, "DATABASE_URL must begin with"),
        (SQLITE, {"DATABASE_URL": "sqlite://"}, "DATABASE_URL must name a file"),
        (SQLITE | {"todo.secure_cookies": "secret"}, {}, "todo.secure_cookies must be true"),
        (SQLITE | {"todo.cors_origins": "*"}, {}, "todo.cors_origins must list origins"),
        (SQLITE | {"todo.cors_origins": "https://a.example/secret"}, {}, "must list origins"),
        (SQLITE | {"todo.cors_origins": "https://A.example"}, {}, "must list origins"),
        (SQLITE | {"todo.secure_cookie": "true"}, {}, "no setting todo.secure_cookie"),
    ],
)
def test_bad_setting_stops_the_start_by_name(
    ini: dict[str, str], environ: dict[str, str], named: str
) -> None:
    with pytest.raises(SystemExit, match=named) as stop:
        settings.read(ini, environ)
    assert "secret" not in str(stop.value)
    assert "\n" not in str(stop.value)


def test_origins_are_a_list() -> None:
    text = "https://app.example.com http://localhost:3000\n  http://[::1]:3000"
    read = settings.read(SQLITE | {"todo.cors_origins": text}, {})
    assert read["todo.cors_origins"] == set(text.split())
