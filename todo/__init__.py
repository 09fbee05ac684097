"""A to-do list service over HTTP. This module has only the application factory."""

import logging
import os
from typing import Any

from pyramid.config import Configurator

from todo import settings
from todo.http.logs import use_format
from todo.models.engine import check_connections
from todo.models.migration import MIGRATION, check_migrated

logger = logging.getLogger(__name__)


def main(global_config: dict[str, str], **ini_settings: str) -> Any:
    """Return the WSGI application; PasteDeploy calls this with the section [app:main].

    Raise SystemExit (one line) for a bad or unsafe setting, or a database that is unreachable, not
    migrated, or newer and not marked as working with this code.
    """
    config = configure(ini_settings)
    ini = global_config.get("__file__", "development.ini")
    engines = [config.registry[name] for name in ("engine", "reading_engine")]
    migrations = {check_migrated(engine, os.path.relpath(ini)) for engine in engines}
    for newer in migrations - {MIGRATION}:
        logger.info(
            "the database is at migration %s, which this code (%s) accepts", newer, MIGRATION
        )
    check_connections(*engines)
    return config.make_wsgi_app()


def configure(ini_settings: dict[str, str]) -> Configurator:
    """Return the configurator with all parts of the application."""
    checked = settings.read(ini_settings)
    use_format(checked.log_format)
    settings.refuse_unsafe_production(checked, ini_settings)
    settings.check_backup_folder(checked)
    config = Configurator(settings=ini_settings)
    config.registry["settings"] = checked
    config.include("todo.http.request")
    config.include("todo.http.headers")
    config.include("todo.http.measures")
    config.include("todo.http.proxies")
    config.include("todo.http.prefix")
    config.include("todo.http.hosts")
    config.include("todo.http.transactions")
    config.include("todo.http.renderers")
    config.include("todo.http.operations")
    config.include("todo.http.typed_views")
    config.include("todo.http.preconditions")
    config.include("todo.http.idempotency")
    config.include("todo.http.errors")
    config.include("todo.http.cors")
    config.include("todo.auth.policy")
    config.include("todo.auth.shares")
    config.include("todo.begin")
    config.include("todo.routes")
    config.scan("todo.views")
    config.scan("todo.web")
    return config
