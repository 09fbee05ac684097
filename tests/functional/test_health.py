"""Health endpoints for monitoring."""

import logging

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from tests.support.client import Client, User, constant_headers
from tests.support.databases import statements
from tests.support.fixtures import Logs

PROBES = ["/healthz", "/readyz"]


@pytest.mark.parametrize("url", PROBES)
def test_health_endpoints_answer_ok(client: Client, url: str, caplog: Logs) -> None:
    caplog.set_level(logging.INFO)
    get, head = client.get(url), client.head(url)
    assert (get.status_int, get.json) == (200, {"status": "ok"})
    assert (head.status_int, head.body) == (200, b"")
    assert constant_headers(head) == constant_headers(get)
    assert caplog.text == ""


@pytest.mark.parametrize(("url", "queries"), [("/healthz", 0), ("/readyz", 1)])
def test_health_endpoints_run_at_most_one_query(
    db: Session, alice: User, url: str, queries: int
) -> None:
    with statements(db.connection()) as run:
        assert alice.get(url).status_int == 200
    assert len(run) == queries


def test_readiness_with_other_migration_is_unavailable(db: Session, client: Client) -> None:
    db.execute(text("UPDATE alembic_version SET version_num = '0001'"))
    db.commit()
    response = client.get("/readyz")
    assert (response.status_int, response.json["code"]) == (503, "unavailable")
    assert response.headers["Retry-After"] == "1"
    assert client.get("/healthz").status_int == 200


def test_readiness_without_migration_is_unavailable(db: Session, client: Client) -> None:
    db.execute(text("ALTER TABLE alembic_version RENAME TO elsewhere"))
    db.commit()
    response = client.get("/readyz")
    assert (response.status_int, response.json["code"]) == (503, "unavailable")
