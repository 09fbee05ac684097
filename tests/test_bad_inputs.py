"""What any route owes to input that is wrong, on both databases.

After each request: the answer is the one error shape and never a 500, no secret is in it, and
nothing of the request is stored. What is about the wire stands in tests/test_wire.py.
"""

import dataclasses
import time
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.support.client import Client, constant_headers
from tests.support.databases import statements
from tests.support.factories import PASSWORD, Login, make_task
from todo.models import Account, Change, IdempotencyKey, Task, Token

A = "/api/v1/accounts"
U = f"{A}/alice"
T = f"{U}/tasks"
K = f"{T}/{{id}}"
L = f"{A}/login"

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
MEBIBYTE = 1024 * 1024
# 250 kB of marks that normalization must sort, which takes the square of their number.
SLOW = "a" + "%CC%81%CC%A7" * 20_000
CAROL = "username=carol&email=carol%40example.com&password=a+good+password"


@dataclasses.dataclass(frozen=True)
class Bad:
    """A request by Alice, and the answer that it gets.

    `code` is the problem's, or the one of the fault of `field`.
    """

    what: str
    method: str
    path: str
    body: str | bytes = b""
    content_type: str = ""
    status: int = 400
    code: str = ""
    field: str = ""
    headers: dict[str, str] = dataclasses.field(default_factory=dict)


def json(
    what: str, body: str | bytes, code: str, method: str = "POST", path: str = T, **more: Any
) -> Bad:
    return Bad(what, method, path, body, JSON, code=code, **more)


def form(
    what: str, body: str | bytes, code: str, method: str = "POST", path: str = T, **more: Any
) -> Bad:
    return Bad(what, method, path, body, FORM, code=code, **more)


def register(what: str, field: str, value: str, code: str, status: int = 400) -> Bad:
    fields = {"username": "carol", "email": "carol%40example.com", "password": "a+good+password"}
    body = "&".join(f"{name}={text}" for name, text in (fields | {field: value}).items())
    return Bad(f"register: {what}", "POST", A, body, FORM, status, code, field)


def get(what: str, path: str, status: int, code: str) -> Bad:
    return Bad(what, "GET", path, status=status, code=code)


PATHS = [
    get("no such URL", "/api/v1/nope", 404, "not_found"),
    get("trailing slash", f"{K}/", 404, "not_found"),
    Bad("POST to a task", "POST", K, status=405, code="method_not_allowed"),
    Bad("PUT to the tasks", "PUT", T, status=405, code="method_not_allowed"),
    Bad("a method of nobody", "FOO", "/api/v1", status=405, code="method_not_allowed"),
    Bad("OPTIONS of no URL", "OPTIONS", "/nope", status=404, code="not_found"),
    Bad("PUT to the login", "PUT", L, status=405, code="method_not_allowed"),
    form("method override", "name=x", "unknown_field", path=f"{T}?_method=DELETE", field="_method"),
    get("path not UTF-8", f"{A}/%ff", 400, "bad_path"),
    get("percent sign of nothing", f"{A}/%zz", 403, "forbidden"),
    get("Arabic digits", f"{T}/%D9%A1%D9%A2", 404, "not_found"),
    get("negative id", f"{T}/-1", 404, "not_found"),
    get("leading zero", f"{T}/0{{id}}", 404, "not_found"),
    get("exponent", f"{T}/1e3", 404, "not_found"),
    get("id of 64 bits", f"{T}/{2**63}", 404, "not_found"),
    get("id of 5,000 digits", f"{T}/{'9' * 5000}", 404, "not_found"),
    get("id with a NUL", f"{K}%00", 404, "not_found"),
    get("id with a line end", f"{K}%0A", 404, "not_found"),
    get("name with a line end", f"{U}%0A", 403, "forbidden"),
    get("name with a NUL", f"{A}/b%00b", 403, "forbidden"),
    get("name with a slash", f"{A}/alice%2Ftasks%2Fx", 404, "not_found"),
    get("slash of a name, encoded", f"{U}%2Ftasks", 404, "not_found"),
    get("slash of the path, encoded", "/api/v1/accounts%2falice", 404, "not_found"),
    get("slash in front, encoded", "/%2Fapi/v1", 404, "not_found"),
    Bad("DELETE by an encoded slash", "DELETE", f"{T}%2F{{id}}", status=404, code="not_found"),
    Bad("OPTIONS by an encoded slash", "OPTIONS", "/api%2Fv1", status=404, code="not_found"),
    get("name of dots", f"{A}/..", 403, "forbidden"),
    get("Cyrillic letter", f"{A}/%D0%B0lice", 403, "forbidden"),
    get("query not UTF-8", f"{T}?limit=%ff", 400, "bad_query"),
    Bad("unknown parameter", "GET", f"{T}?nope=1", code="unknown_field", field="nope"),
    Bad("repeated parameter", "GET", f"{T}?a=1&a=1", code="unknown_field", field="a"),
]

QUERIES = [
    Bad(f"query of tasks: {query[:40]}", "GET", f"{T}?{query}", code=code, field=field)
    for field, code, queries in [
        (
            "limit",
            "type",
            ["limit=", "limit=x", "limit=1.5", "limit=%2B1", "limit=1_0", "limit=+1"],
        ),
        ("limit", "type", [f"limit={'9' * 19}", "limit=%D9%A1"]),
        ("limit", "range", ["limit=0", "limit=-1", "limit=201", "limit=1000000000"]),
        ("limit", "duplicate", ["limit=1&limit=1"]),
        ("after", "cursor", ["after=", "after=garbage", "after=%22", "after=WyJ4IixudWxsLDFd"]),
        ("after", "nul", ["after=%00"]),
        ("sort", "choice", ["sort=", "sort=note", "sort=--id", "sort=ID", "sort=id,name"]),
        ("sort", "choice", ["sort=password_hash", "sort=+id"]),
        ("fields", "choice", ["fields=", "fields=id,nope", "fields=id,", "fields=id,+name"]),
        ("fields", "choice", ["fields=account_id", "fields=name_folded"]),
        ("fields", "duplicate", ["fields=id,id"]),
        ("count", "type", ["count=", "count=1", "count=True"]),
        ("completed", "type", ["completed=", "completed=maybe", "completed=yes", "completed=1"]),
        ("due", "choice", ["due=", "due=soon", "due=TODAY", "due=2030-02-01"]),
        *(
            (bound, "date", [f"{bound}={value}" for value in values])
            for bound in ("due_after", "due_before", "created_after", "completed_before")
            for values in [
                ["", "soon", "1700000000", "2030-02-30", "31/02/2030+10:00:00"],
                ["2030-02-01T10:00:00+02:00", "0001-01-01T00:00:00%2B14:00", "%00"],
            ]
        ),
        ("id", "ids", ["id=", "id=x", "id=1,", "id=,1", "id=0", "id=01", "id=1,+2", "id=%D9%A1"]),
        ("id", "ids", [f"id={2**63}", "id=1.0", "id=-1"]),
        ("id", "too_long", ["id=" + ",".join(["1"] * 201)]),
        ("search", "no_words", ["search=", "search=*", "search=%22"]),
        ("search", "nul", ["search=a%00"]),
        ("search", "too_long", [f"search={'x' * 10_000}"]),
        ("offset", "unknown_field", ["offset=1"]),
        ("dry_run", "unknown_field", ["dry_run=true"]),
    ]
    for query in queries
]

BODIES = [
    json("empty body", "", "bad_json"),
    json("trailing comma", '{"name": "Milk",}', "bad_json"),
    json("array", "[1]", "not_object"),
    json("string", '"x"', "not_object"),
    json("null", "null", "not_object"),
    json("duplicate key", '{"name": "a", "name": "b"}', "duplicate_key"),
    json("duplicate key within", '{"name": "a", "x": {"y": 1, "y": 2}}', "duplicate_key"),
    json("Infinity", '{"name": Infinity}', "bad_json"),
    json("NaN", '{"name": NaN}', "bad_json"),
    json("too large a float", '{"name": 1e999}', "bad_json"),
    json("too large an integer", '{"name": ' + "9" * 5000 + "}", "bad_json"),
    json("20,000 nested, open", "[" * 20_000, "bad_json"),
    json("20,000 nested, closed", "[" * 20_000 + "]" * 20_000, "bad_json"),
    json("33 nested objects", '{"a":' * 33 + "1" + "}" * 33, "bad_json"),
    json(
        "32 nested objects",
        '{"name": "n", "a":' + '{"a":' * 31 + "1" + "}" * 32,
        "unknown_field",
        field="a",
    ),
    json("UTF-16", '{"name": "Milk"}'.encode("utf-16"), "bad_json"),
    json("byte order mark", b"\xef\xbb\xbf" + b'{"name": "Milk"}', "bad_json"),
    json("bytes not UTF-8", b'{"name": "\xff"}', "bad_json"),
    json("half a surrogate pair as a name", '{"\\ud800": 1}', "bad_json"),
    json("NUL", '{"name": "a\\u0000b"}', "nul", field="name"),
    json("half a surrogate pair", '{"name": "\\udc00"}', "bad_unicode", field="name"),
    form("percent-encoded, not UTF-8", "name=%ff", "bad_form"),
    form("bytes not UTF-8", b"name=\xff", "bad_form"),
    form("repeated key", "name=a&name=b", "duplicate_key"),
    form("1,001 fields", "x=1&" * 1001, "bad_form"),
    form("body over the limit", "name=" + "x" * MEBIBYTE, "body_too_large", status=413),
    *(
        Bad(what, "POST", T, body, content_type, 415, "unsupported_media_type", headers=headers)
        for what, content_type, body, headers in [
            ("JSON in UTF-16", f"{JSON}; charset=utf-16", '{"name": "Milk"}', {}),
            ("JSON as text", "text/plain", '{"name": "Milk"}', {}),
            ("no Content-Type", "", '{"name": "Milk"}', {}),
            ("broken Content-Type", ";;=;", "name=Milk", {}),
            ("compressed", FORM, "name=Milk", {"Content-Encoding": "gzip"}),
            ("form in Latin 1", f"{FORM}; charset=latin-1", "name=Milk", {}),
            ("form in nothing", f"{FORM}; charset=nope", "name=Milk", {}),
            ("multipart without a boundary", "multipart/form-data", "name=Milk", {}),
            (
                "multipart with a file",
                "multipart/form-data; boundary=b",
                '--b\r\nContent-Disposition: form-data; name="name"; filename="f"\r\n\r\n--b--',
                {},
            ),
        ]
    ),
]

ACCOUNTS = [
    form(
        "register: no username",
        "email=c%40example.com&password=long+enough",
        "missing",
        path=A,
        field="username",
    ),
    register("empty username", "username", "", "null"),
    register("username with a space", "username", "a+b", "username"),
    register("reserved username", "username", "login", "reserved"),
    register("reserved username in other case", "username", "LogOut", "reserved"),
    register("fullwidth letter", "username", "%EF%BD%81dmin", "username"),
    register("Kelvin sign", "username", "%E2%84%AAelvin", "username"),
    register("right-to-left override", "username", "a%E2%80%AEb", "username"),
    register("trailing line end", "username", "carol%0A", "username"),
    register("NUL in the username", "username", "car%00ol", "username"),
    register("username too long", "username", "c" * 65, "too_long"),
    register("existing name in other case", "username", "ALICE", "taken", 409),
    register("e-mail without @", "email", "carol", "email"),
    register("e-mail with CRLF", "email", "c%40example.com%0D%0ABcc:+x%40example.com", "email"),
    register("short password", "password", "1234567", "password_too_short"),
    register("password of 1,025 bytes", "password", "p" * 1025, "password_too_long"),
    register("password slow to normalize", "password", SLOW, "password_too_long"),
    register("password2 slow to normalize", "password2", SLOW, "mismatch"),
    register("e-mail slow to examine", "email", f"{SLOW}%40example.com", "too_long"),
    register("password2 differs", "password2", "another+password", "mismatch"),
    register("field of nobody", "is_admin", "1", "unknown_field"),
    json(
        "register: password with half a surrogate pair",
        '{"username": "carol", "email": "c@example.com", "password": "\\ud800 secret word"}',
        "bad_unicode",
        path=A,
        field="password",
    ),
    json(
        "register: password as a number",
        '{"username": "carol", "email": "c@example.com", "password": 123456789012345}',
        "type",
        path=A,
        field="password",
    ),
    form(
        "login: wrong password",
        "username=alice&password=wrong",
        "bad_credentials",
        path=L,
        status=401,
    ),
    form("login: no password", "username=alice", "missing", path=L, field="password"),
    form(
        "login: NUL",
        f"username=ali%00ce&password={PASSWORD}",
        "bad_credentials",
        path=L,
        status=401,
    ),
    form(
        "login: password of 2 MiB",
        "username=alice&password=" + "p" * 2 * MEBIBYTE,
        "body_too_large",
        path=L,
        status=413,
    ),
]

TASKS = [
    form("blank name", "name=+", "blank", field="name"),
    form("empty name", "name=", "null", field="name"),
    form("name over its limit", f"name={'n' * 256}", "too_long", field="name"),
    form("note over its limit", f"name=n&note={'n' * 10_001}", "too_long", field="note"),
    form("31 February", "name=n&due_date=31/02/2026+10:00:00", "date", field="due_date"),
    form("leap second", "name=n&due_date=2026-02-01T23:59:60Z", "date", field="due_date"),
    form("number as a date in a form", "name=n&due_date=0", "date", field="due_date"),
    json("number as a date", '{"name": "n", "due_date": 1700000000}', "type", field="due_date"),
    form("truth of nobody", "name=n&completed=maybe", "type", field="completed"),
    json("truth as a string", '{"name": "n", "completed": "true"}', "type", field="completed"),
    json("null as truth", '{"completed": null}', "null", method="PUT", path=K, field="completed"),
    form("field whose name is none", "name=n&my+secret+word=1", "unknown_field", field="body"),
    form("JSON as a form", '{"name": "my secret word"}', "bad_form"),
    json("unknown field", '{"nmae": "n"}', "unknown_field", method="PUT", path=K, field="nmae"),
]

LOGINS = [
    Bad(f"credentials: {what}", "GET", K, status=401, code="unauthenticated", headers=headers)
    for what, headers in [
        ("none", {"Authorization": ""}),
        ("Bearer alone", {"Authorization": "Bearer"}),
        ("unknown token", {"Authorization": "Bearer nope"}),
        ("broken cookie", {"Authorization": "", "Cookie": "todo_session=\xff\xfe"}),
    ]
]

CROSS_SITE = [
    Bad(
        f"of another site: {what}",
        method,
        path,
        body,
        FORM,
        403,
        "cross_site",
        headers={"Authorization": "", "Sec-Fetch-Site": "cross-site"},
    )
    for what, method, path, body in [
        ("log in", "POST", L, f"username=alice&password={PASSWORD.replace(' ', '+')}"),
        ("register", "POST", A, CAROL),
        ("register, by a form that is none", "POST", A, "%ff"),
        ("log out", "POST", f"{A}/logout", ""),
        ("log out by a link", "GET", f"{A}/logout", ""),
    ]
]

# A key that came with another request: tests/functional/test_idempotency.py.
WRITES = [
    *(
        form(f"If-Match: {tag}", "name=Tea", "precondition", "PUT", K, status=412, headers=headers)
        for tag in ('"0"', 'W/"1"')
        for headers in [{"If-Match": tag}]
    ),
    *(
        form(what, "name=Tea", code, "PUT", K, field=name, headers={name: value})
        for what, name, value, code in [
            ("If-Match without quotes", "If-Match", "1", "entity_tag"),
            ("empty Idempotency-Key", "Idempotency-Key", "", "idempotency_key"),
            ("Idempotency-Key of 256 characters", "Idempotency-Key", "x" * 256, "idempotency_key"),
        ]
    ),
]

ROWS = [*PATHS, *QUERIES, *BODIES, *ACCOUNTS, *TASKS, *LOGINS, *CROSS_SITE, *WRITES]


def stored(session: Session) -> list[Any]:
    session.rollback()
    session.expire_all()
    return [
        session.execute(select(table).order_by(*table.primary_key)).all()
        for table in (model.__table__ for model in (Account, Token, Task, Change, IdempotencyKey))
    ]


@pytest.mark.filterwarnings("ignore:Unknown REQUEST_METHOD")
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.what)
def test_bad_input(as_alice: Client, alice: Login, dbsession: Session, row: Bad) -> None:
    task_id = make_task(dbsession, alice)
    before = stored(dbsession)
    headers = {"Content-Type": row.content_type} | row.headers
    client = as_alice
    if headers.get("Authorization") == "":
        client = Client(as_alice.app)
        del headers["Authorization"]
    path = row.path.replace("{id}", str(task_id))
    begun = time.monotonic()
    with statements(as_alice.app.registry["engine"]) as run:
        response = client.request(
            path,
            method=row.method,
            environ={"REQUEST_URI": path},  # as the HTTP server hands it on
            body=row.body.encode() if isinstance(row.body, str) else row.body,
            headers=headers,
        )
    assert time.monotonic() - begun < 2, "nothing else is served meanwhile"
    assert response.status_int == row.status
    if row.status == 403:
        assert len(run) <= 1, "nothing is asked but who this is"
    problem = response.json
    codes = {fault["field"]: fault["code"] for fault in problem.get("errors", [])}
    assert (codes if row.field else problem["code"]) == (
        {row.field: row.code} if row.field else row.code
    )
    assert ("Allow" in response.headers) == (row.status == 405)
    for secret in (
        PASSWORD,
        "secret word",
        "good password",
        "SELECT",
        "Traceback",
        "site-packages",
    ):
        assert secret not in response.text
    assert stored(dbsession) == before


@pytest.mark.parametrize(
    ("what", "method", "path", "body", "status"),
    [
        ("HEAD", "HEAD", K, "", 200),
        ("a change by form", "PUT", K, "name=Tea", 200),
        ("DELETE with a body", "DELETE", K, "name=%ff", 200),
        ("password2 missing", "POST", A, CAROL, 201),
        ("false in a form", "POST", T, "name=n&completed=false", 201),
        ("read-only fields", "PUT", K, "id=9&creation_date=then", 200),
        ("read-only field of an account", "POST", A, f"{CAROL}&id=1", 201),
    ],
)
def test_what_is_not_bad(
    as_alice: Client,
    alice: Login,
    dbsession: Session,
    what: str,
    method: str,
    path: str,
    body: str,
    status: int,
) -> None:
    url = path.replace("{id}", str(make_task(dbsession, alice)))
    before = as_alice.get(url).json.get("task")
    response = as_alice.send_form(method, url, body)
    assert response.status_int == status
    if what == "HEAD":
        assert response.body == b""
        assert constant_headers(response) == constant_headers(as_alice.get(url))
    if what == "false in a form":
        assert response.json["task"]["completed"] is False
    if what == "read-only fields":
        assert response.json["task"] == before


def test_a_second_delete_finds_nothing(as_alice: Client, alice: Login, dbsession: Session) -> None:
    url = K.format(id=make_task(dbsession, alice))
    assert [as_alice.delete(url).status_int for _ in range(2)] == [200, 404]


def test_the_header_counts_where_both_are_sent(
    as_alice: Client, alice: Login, as_bob: Client, bob: Login
) -> None:
    headers = {"Cookie": f"todo_session={alice.token}"}
    assert as_bob.get(alice.url, headers=headers).status_int == 403
    assert as_bob.get(bob.url, headers=headers).status_int == 200
