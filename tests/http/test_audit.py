"""The audit log: what it has a line for, that each line holds, and that it names nobody."""

import ast
import logging
import re
from typing import Any

import pytest
from pyramid.request import Request
from sqlalchemy import exc, insert
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import StaleDataError

from tests.http.test_trace import PARENT, TRACE, VALID
from tests.support.client import Client, User, log_in
from tests.support.databases import ROOT, event_listener
from tests.support.extra_routes import TEST_VIEW
from tests.support.factories import PASSWORD, Login, make_account
from tests.support.fixtures import ApiToken, Logs, SetClock, SetTestView
from tests.support.metrics import increase_of
from todo import clock
from todo.http.audit import REFUSALS, SUCCESSES, audit
from todo.http.codes import CODES
from todo.models import Account
from todo.models.token import Scope
from todo.services.accounts import set_disabled

ACCOUNTS = "/api/v1/accounts"
NEW = "another horse battery"
CAROL = {"username": "carol", "email": "carol@example.com", "password": PASSWORD}


@pytest.fixture
def log(caplog: Logs) -> Logs:
    caplog.set_level(logging.INFO, "todo.audit")
    return caplog


def lines(log: Logs) -> list[Any]:
    """Return the values of each audit line without the ids of the request, and forget them."""
    records: list[Any] = [each for each in log.records if each.name == "todo.audit"]
    found = [dict(each.msg) for each in records]
    log.clear()
    for values in found:
        assert values.pop("message") == values["event"]
        for name in ("request_id", "trace_id", "parent_id"):
            values.pop(name)
    return found


def done(name: str, login: Login | None = None, **values: Any) -> dict[str, Any]:
    account = login and login.id
    line = {"event": name, "outcome": "success", "account": account, "token": None}
    return line | {"address": None} | values


def refused(name: str, reason: str, login: Login | None = None, **values: Any) -> dict[str, Any]:
    return done(name, login, outcome="failure", reason=reason, **values)


def own_token(user: User) -> Any:
    [token] = [each for each in user.get(f"{user.url}/tokens").json["tokens"] if each["current"]]
    return token["id"]


def test_logins_and_their_failures(client: Client, alice: User, db: Session, log: Logs) -> None:
    mine = User(client.app, Login(alice.id, "alice", log_in(client, "Alice").json["token"]))
    succeeded = done("login.succeeded", alice, token=own_token(mine), method="password")
    assert lines(log) == [succeeded]
    log_in(client, "alice", "wrong password")
    log_in(client, "nobody", "wrong password")
    assert lines(log) == [
        refused("login.failed", "bad_credentials", alice, method="password"),
        refused("login.failed", "bad_credentials", method="password"),
    ]


def test_login_to_disabled_account(client: Client, alice: User, db: Session, log: Logs) -> None:
    set_disabled(db, alice.id, disabled=True)
    db.commit()
    log_in(client)
    [line] = lines(log)
    assert line == refused("login.failed", "account_disabled", alice, method="password")


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_logout_names_the_session_that_ended(alice: User, log: Logs, method: str) -> None:
    token = own_token(alice)
    alice.request(f"{ACCOUNTS}/logout", method=method)
    assert lines(log) == [done("logout.succeeded", alice, token=token)]
    alice.request(f"{ACCOUNTS}/logout", method=method)
    assert lines(log) == []


def test_registration_and_profile(client: Client, log: Logs) -> None:
    carol = client.post(ACCOUNTS, CAROL).json
    [line] = lines(log)
    account, token = line["account"], line["token"]
    assert line == done("account.registered", account=account, token=token, invited=False)
    client.authorization = ("Bearer", carol["token"])
    url = f"{ACCOUNTS}/carol"
    client.put(url, {"email": "c@example.com", "timezone": "Europe/Berlin"})
    client.put(url, {"email": "c@example.com"})
    changed, *more = lines(log)
    assert not more, "the second request changed nothing"
    mine = {"account": account, "token": token}
    assert changed == done("account.changed", **mine, fields=["email", "timezone"])
    client.get(f"{url}/export")
    assert lines(log) == [done("account.exported", **mine)]
    client.put(url, {"password": NEW})
    assert lines(log) == [done("password.changed", **mine)]
    log_in(client, "carol", NEW)
    lines(log)
    client.authorization = ("Bearer", log_in(client, "carol", NEW).json["token"])
    lines(log)
    client.delete(url)
    [closed] = lines(log)
    assert closed == done("account.closed", account=account, token=closed["token"])


def test_tokens(alice: User, api_token: ApiToken, log: Logs) -> None:
    token = own_token(alice)
    first, _ = api_token()
    url = f"{alice.url}/tokens"
    answer = alice.post(url, {"name": "secret", "scope": "read"})
    second = answer.json["api_token"]["id"]
    alice.delete(f"{url}/{first}")
    alice.delete(url)
    assert lines(log) == [
        done("token.created", alice, token=token, target=second, scope="read"),
        done("token.revoked", alice, token=token, target=first),
        done("token.revoked", alice, token=token, target=second),
    ]


def test_webhooks(alice: User, log: Logs) -> None:
    token = own_token(alice)
    url = f"{alice.url}/webhooks"
    created = alice.send_json("POST", url, {"url": "https://secret.example/"})
    target = created.json["webhook"]["id"]
    for fields in ({"enabled": False}, {"enabled": False}, {"url": "https://other.example/"}):
        assert alice.send_json("PATCH", f"{url}/{target}", fields).status_int == 200
    alice.delete(f"{url}/{target}")
    mine = {"token": token, "target": target}
    assert lines(log) == [
        done("webhook.created", alice, **mine),
        done("webhook.changed", alice, **mine, fields=["enabled"]),
        done("webhook.changed", alice, **mine, fields=["url"]),
        done("webhook.deleted", alice, **mine),
    ]


def test_refusals(
    client: Client, alice: User, bob: User, api_token: ApiToken, set_clock: SetClock, log: Logs
) -> None:
    token_id, reader = api_token(scope=Scope.READ)
    token = own_token(alice)
    mine = {"token": token}
    alice.get(bob.url)
    reader.post(alice.tasks_url, {"name": "Milk"})
    client.get(alice.url)
    Client(client.app, "unknown").get(alice.url)
    client.post(f"{ACCOUNTS}/login", {}, headers={"Sec-Fetch-Site": "cross-site"})
    alice.put(alice.url, {"email": "a@example.com", "current_password": "wrong password"})
    reader.put(alice.url, {"email": "a@example.com"})
    scope = refused("authorization.refused", "insufficient_scope", alice, token=token_id)
    found = lines(log)
    assert scope | {"token": found[1]["token"]} == found.pop(1)
    assert scope == found.pop(-1)
    assert found == [
        refused("authorization.refused", "forbidden", alice, **mine),
        refused("authentication.failed", "no_token"),
        refused("authentication.failed", "invalid_token"),
        refused("cross_site.refused", "cross_site"),
        refused("reauthentication.failed", "wrong_password", alice, **mine),
    ]


def test_right_password_is_logged_even_if_the_change_fails(
    alice: User, bob: User, log: Logs
) -> None:
    mine = {"token": own_token(alice)}
    right = done("reauthentication.succeeded", alice, **mine)
    values = {"current_password": PASSWORD, "username": "bob"}
    assert alice.put(alice.url, values).status_int == 409
    assert lines(log) == [right]
    assert alice.put(alice.url, values | {"username": "carol"}).status_int == 200
    assert lines(log) == [right, done("account.changed", alice, **mine, fields=["username"])]


def test_refused_token_names_the_account_that_it_was_of(alice: User, log: Logs) -> None:
    alice.get(alice.url)
    alice.post(f"{ACCOUNTS}/logout")
    lines(log)
    alice.get(alice.url)
    assert lines(log) == [refused("authentication.failed", "invalid_token", alice)]


def test_exceeded_limit_is_named(client: Client, alice: User, log: Logs) -> None:
    for _ in range(11):
        log_in(client, "alice", "wrong password")
    *failed, limited = lines(log)
    assert {line["event"] for line in failed} == {"login.failed"}
    assert limited == refused(
        "limit.exceeded", "too_many_requests", alice, limit="login-account-address"
    )


@pytest.mark.parametrize("mode", ["closed", "invite"])
def test_refused_registration(
    client: Client, log: Logs, mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client.app.registry["settings"], "registration", mode)
    client.post(ACCOUNTS, CAROL)
    [line] = lines(log)
    assert (line["event"], line["account"]) == ("registration.refused", None)


def test_line_has_ids_and_names_nobody(client: Client, alice: User, caplog: Logs) -> None:
    caplog.set_level(logging.INFO, "todo.audit")
    environ = {"REMOTE_ADDR": "203.0.113.7"}
    headers = {"traceparent": VALID, "User-Agent": "secret"}
    answer = log_in(client, headers=headers, extra_environ=environ)
    ids = f"request_id={answer.headers['X-Request-Id']} trace_id={TRACE} parent_id={PARENT}"
    [message] = [each.getMessage() for each in caplog.records if each.name == "todo.audit"]
    token = re.escape(f"account={alice.id} token=") + "[0-9]+"
    assert re.fullmatch(
        f"event=login.succeeded outcome=success {token} address=203.0.113.7 {ids} method=password",
        message,
    )


def audited(request: Request) -> None:
    request.db.execute(
        insert(Account).execution_options(recorded=True),
        {
            "username": "dave",
            "username_lower": "dave",
            "email": "",
            "password_hash": "",
            "date_joined": clock.now(),
        },
    )
    audit(request, "account.registered", account=7)


@pytest.mark.unjournalled
def test_success_is_logged_after_the_commit(
    client: Client, set_test_view: SetTestView, log: Logs
) -> None:
    def view(request: Request) -> None:
        audited(request)
        assert lines(log) == []

    set_test_view(view)
    assert client.post(TEST_VIEW).status_int == 200
    assert lines(log) == [done("account.registered", account=7)]


@pytest.mark.unjournalled
@pytest.mark.parametrize("status", [409, 500])
def test_success_that_is_rolled_back_is_not_logged(
    client: Client, set_test_view: SetTestView, log: Logs, status: int
) -> None:
    def view(request: Request) -> None:
        audited(request)
        if status == 500:
            raise RuntimeError("planted")
        request.response.status_int = status

    set_test_view(view)
    assert client.post(TEST_VIEW).status_int == status
    assert lines(log) == []


@pytest.mark.unjournalled
def test_retried_success_is_logged_once(
    client: Client, set_test_view: SetTestView, log: Logs
) -> None:
    attempts = []

    def view(request: Request) -> None:
        audited(request)
        attempts.append(request)
        if len(attempts) < 3:
            raise StaleDataError("lost")

    set_test_view(view)
    assert client.post(TEST_VIEW).status_int == 200
    assert len(attempts) == 3
    assert lines(log) == [done("account.registered", account=7)]


def test_failed_commit_logs_no_success(real_app: Any, committed: Session, log: Logs) -> None:
    make_account(committed, "alice")
    client = Client(real_app)

    def fail(connection: Any) -> None:
        if connection.get_nested_transaction() is None and inserted:
            raise exc.OperationalError(None, None, Exception("the disk is gone"))

    inserted: list[str] = []

    def note(_c: Any, _cursor: Any, statement: str, *_: Any) -> None:
        inserted.extend(re.findall("INSERT INTO tokens", statement))

    engine = real_app.registry["engine"]
    counted = increase_of("todo_logins_total", result="success")
    with event_listener(engine, "before_cursor_execute", note):
        with event_listener(engine, "commit", fail):
            assert log_in(client).status_int == 503
        assert (lines(log), counted()) == ([], 0)
        assert log_in(client).status_int == 200
    assert [line["event"] for line in lines(log)] == ["login.succeeded"]
    assert counted() == 1


def test_every_refusal_of_authentication_and_authorization_is_an_event() -> None:
    refusals = {code for code, (status, _) in CODES.items() if status in (401, 403, 429)}
    assert refusals | {"bad_host"} == REFUSALS.keys()


def test_logs_page_lists_every_event() -> None:
    page = (ROOT / "docs" / "logs.md").read_text()
    listed = re.findall(r"^\| `(\w+\.\w+)` \| (success|failure) \|", page, re.MULTILINE)
    assert dict(listed) == {
        **dict.fromkeys(SUCCESSES, "success"),
        **dict.fromkeys(REFUSALS.values(), "failure"),
    }
    assert len(listed) == len(dict(listed))


def test_code_logs_every_event() -> None:
    calls = [
        node
        for path in (ROOT / "todo").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in ("audit", "audit_command")
    ]
    assert {ast.literal_eval(call.args[1]) for call in calls} == SUCCESSES
