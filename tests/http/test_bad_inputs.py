"""What any route owes to input that is wrong.

After each request: the answer is the one error shape and never a 500, no secret is in it, and
nothing of the request is stored. What is about the wire stands in tests/server/test_wire.py.
"""

import json
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import pytest
from sqlalchemy.orm import Session

from tests.support.client import Client, User
from tests.support.databases import statements, stored
from tests.support.factories import PASSWORD, make_task
from todo.models.meta import ID_MAX
from todo.schemas.task_filter import SEARCH_MAX

A = "/api/v1/accounts"
U = f"{A}/alice"
T = f"{U}/tasks"
K = f"{T}/{{id}}"
L = f"{A}/login"

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
MEBIBYTE = 1024 * 1024
SLOW = "a" + "\u0301\u0327" * 20_000  # normalization takes the square of their number
CAROL = {"username": "carol", "email": "carol@example.com", "password": "a good password"}
MILK = {"name": "Milk"}
TOKEN = {"name": "n", "scope": "read"}

Body = str | bytes


@dataclass(frozen=True)
class Bad:
    """A request by Alice, and the answer that it gets.

    `said` is a status with the problem's code, or a fault of each field, such as "name:blank".
    """

    what: str
    request: str
    said: str
    bodies: tuple[tuple[str, Body], ...] = (("", b""),)  # Content-Type and content
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def needs_both(self) -> bool:
        """Tell whether the database has a part in it, or might have."""
        told = f"{self.request} {self.bodies!r:.5000}"
        return bool(re.search(r"%00|u0000|u[dD][89a-fA-F]|(after|before|id|search)=", told))


def plain(what: str, request: str, said: str, **headers: str) -> Bad:
    return Bad(
        what, request, said, headers={name.replace("_", "-"): headers[name] for name in headers}
    )


def get(what: str, path: str, said: str = "404 not_found") -> Bad:
    return Bad(what, f"GET {path}", said)


def as_json(what: str, body: Body, said: str, request: str = f"POST {T}") -> Bad:
    return Bad(what, request, said, ((JSON, body),))


def form(what: str, body: Body, said: str, request: str = f"POST {T}", **headers: str) -> Bad:
    return Bad(what, request, said, ((FORM, body),), headers)


def queries(request: str, table: str, body: Body = b"", content_type: str = "") -> Iterator[Bad]:
    """Yield a request for each query of a line that begins with what is said to it."""
    for line in table.strip().splitlines():
        said, *each = line.split()
        for query in each:
            asked = f"{request}{query}"
            yield Bad(asked, asked, said, ((content_type, body),))


def fields(request: str, base: dict[str, Any], *rows: tuple[dict[str, Any], str]) -> Iterator[Bad]:
    """Yield a request for each row, with these fields in place of those of the base.

    Where they are texts it is sent as a form, too.
    """
    for change, said in rows:
        sent = base | change
        bodies: list[tuple[str, Body]] = [(JSON, json.dumps(sent))]
        if all(isinstance(each, str) and each and each.isprintable() for each in sent.values()):
            bodies.append((FORM, urlencode(sent)))
        yield Bad(f"{request} {change!a:.60}", request, said, tuple(bodies))


def values(request: str, base: dict[str, Any], table: dict[str, list[Any]]) -> Iterator[Bad]:
    """Yield a request for each value of the field that the table's key says to be wrong."""
    for said, wrong in table.items():
        name = said.split()[-1].partition(":")[0]
        yield from fields(request, base, *(({name: value}, said) for value in wrong))


PATHS = [
    get("no such URL", "/api/v1/nope"),
    *(get("trailing slash", f"{path}/") for path in (A, U, T, K)),
    *(get("line end", f"{path}%0A") for path in ("/api/v1", A, T, K)),
    plain("POST to a task", f"POST {K}", "405 method_not_allowed"),
    plain("PUT to the tasks", f"PUT {T}", "405 method_not_allowed"),
    plain("a method of nobody", "FOO /api/v1", "405 method_not_allowed"),
    plain("OPTIONS of no URL", "OPTIONS /nope", "404 not_found"),
    plain("PUT to the login", f"PUT {L}", "405 method_not_allowed"),
    form("method override", "name=x", "_method:unknown_field", f"POST {T}?_method=DELETE"),
    get("path not UTF-8", f"{A}/%ff", "400 bad_path"),
    get("percent sign of nothing", f"{A}/%zz", "403 forbidden"),
    get("leading zero", f"{T}/0{{id}}"),
    get("id with a NUL", f"{K}%00"),
    get("name with a line end", f"{U}%0A", "403 forbidden"),
    get("name with a NUL", f"{A}/b%00b", "403 forbidden"),
    get("own name with a NUL", f"{U}%00", "403 forbidden"),
    get("name with a slash", f"{A}/alice%2Ftasks%2Fx"),
    get("slash of a name, encoded", f"{U}%2Ftasks"),
    get("slash of the path, encoded", "/api/v1/accounts%2falice"),
    get("slash in front, encoded", "/%2Fapi/v1"),
    plain("DELETE by an encoded slash", f"DELETE {T}%2F{{id}}", "404 not_found"),
    plain("OPTIONS by an encoded slash", "OPTIONS /api%2Fv1", "404 not_found"),
    get("name of dots", f"{A}/..", "403 forbidden"),
    get("Cyrillic letter", f"{A}/%D0%B0lice", "403 forbidden"),
    get("Kelvin sign", f"{A}/%E2%84%AAelvin", "403 forbidden"),
    get("dotless i", f"{A}/al%C4%B1ce", "403 forbidden"),
    get("query not UTF-8", f"{T}?limit=%ff", "400 bad_query"),
    get("parameter not UTF-8", f"{T}?%ff=1", "400 bad_query"),
    get("1,001 parameters", f"{T}?{'a&' * 1001}", "400 bad_query"),
    get("unknown parameter", f"{T}?nope=1", "nope:unknown_field"),
    get("repeated parameter", f"{T}?a=1&a=1", "a:unknown_field"),
    get("parameter of the export", f"{U}/export?limit=1", "limit:unknown_field"),
]

DATES = (
    *("", "soon", "1700000000", "2030-02-30", "31/02/2030+10:00:00", "%00"),
    *("2030-02-01T10:00:00+02:00", "0001-01-01T00:00:00%2B14:00"),
)

QUERIES = [
    *queries(
        f"GET {T}?",
        """
        limit:type limit= limit=x limit=1.5 limit=%2B1 limit=1_0 limit=+1 limit=%D9%A1
        limit:type limit=9999999999999999999
        limit:range limit=0 limit=-1 limit=201 limit=1000000000
        limit:duplicate limit=1&limit=1
        after:cursor after= after=garbage after=%22 after=WyJ4IixudWxsLDFd
        after:nul after=%00
        sort:choice sort= sort=note sort=--id sort=ID sort=id,name sort=password_hash sort=+id
        fields:choice fields= fields=id,nope fields=id, fields=id,+name fields=account_id
        fields:choice fields=name_folded
        fields:duplicate fields=id,id
        count:type count= count=1 count=True
        completed:type completed= completed=maybe completed=yes completed=1
        due:choice due= due=soon due=TODAY due=2030-02-01
        id:ids id= id=x id=1, id=,1 id=0 id=01 id=1,+2 id=%D9%A1 id=9223372036854775808 id=1.0 id=-1
        search:no_words search= search=* search=%22 search=+ search="'() search=%F0%9F%8D%8E
        search:nul search=a%00 search=a%00b
        offset:unknown_field offset=1
        dry_run:unknown_field dry_run=true
        """,
    ),
    *(
        row
        for bound in ("due_after", "due_before", "created_after", "completed_before")
        for date in DATES
        for row in queries(f"GET {T}?", f"{bound}:date {bound}={date}")
    ),
    get("201 ids", f"{T}?id={','.join(['1'] * 201)}", "id:too_long"),
    get("long search", f"{T}?search={'x' * (SEARCH_MAX + 1)}", "search:too_long"),
    get("very long search", f"{T}?search={'x' * 10_000}", "search:too_long"),
    *(
        row
        for method in ("PATCH", "DELETE")
        for row in queries(
            f"{method} {T}?id={{id}}&",
            """
            limit:unknown_field limit=1
            after:unknown_field after=x
            sort:unknown_field sort=name
            fields:unknown_field fields=id
            count:unknown_field count=true
            dry_run:type dry_run=yes dry_run=
            completed:type completed=
            """,
            '{"name": "x"}',
            JSON,
        )
    ),
    *queries(
        f"GET {U}/changes?",
        """
        since:range since=-1
        since:type since= since=2030-01-01 since=9223372036854775808
        limit:range limit=0 limit=201
        after:unknown_field after=1
        """,
    ),
    *queries(
        f"GET {K}/history?",
        "after:range after=0\n after:type after=x\n limit:range limit=201\n"
        "since:unknown_field since=1",
    ),
    *queries(
        f"GET {U}/trash?",
        "limit:range limit=0 limit=201\n sort:unknown_field sort=id\n"
        "completed:unknown_field completed=true\n after:cursor after=x",
    ),
]

PART_OF_FORM = '--b\r\nContent-Disposition: form-data; name="name"; filename="f"\r\n\r\n--b--'

BODIES = [
    as_json("empty body", "", "400 bad_json"),
    as_json("trailing comma", '{"name": "Milk",}', "400 bad_json"),
    as_json("array", "[1]", "400 not_object"),
    as_json("string", '"x"', "400 not_object"),
    as_json("null", "null", "400 not_object"),
    as_json("duplicate key", '{"name": "a", "name": "b"}', "400 duplicate_key"),
    as_json("duplicate key within", '{"name": "a", "x": {"y": 1, "y": 2}}', "400 duplicate_key"),
    as_json("Infinity", '{"name": Infinity}', "400 bad_json"),
    as_json("NaN", '{"name": NaN}', "400 bad_json"),
    as_json("too large a float", '{"name": 1e999}', "400 bad_json"),
    as_json("too large an integer", '{"name": ' + "9" * 5000 + "}", "400 bad_json"),
    as_json("20,000 nested, open", "[" * 20_000, "400 bad_json"),
    as_json("20,000 nested, closed", "[" * 20_000 + "]" * 20_000, "400 bad_json"),
    as_json("33 nested objects", '{"a":' * 33 + "1" + "}" * 33, "400 bad_json"),
    as_json(
        "32 nested objects", '{"name": "n", "a":' + '{"a":' * 31 + "1" + "}" * 32, "a:unknown_field"
    ),
    as_json("UTF-16", '{"name": "Milk"}'.encode("utf-16"), "400 bad_json"),
    as_json("byte order mark", b"\xef\xbb\xbf" + b'{"name": "Milk"}', "400 bad_json"),
    as_json("bytes not UTF-8", b'{"name": "\xff"}', "400 bad_json"),
    as_json("half a surrogate pair as a name", '{"\\ud800": 1}', "400 bad_json"),
    form("percent-encoded, not UTF-8", "name=%ff", "400 bad_form"),
    form("bytes not UTF-8", b"name=\xff", "400 bad_form"),
    form("repeated key", "name=a&name=b", "400 duplicate_key"),
    form("1,001 fields", "x=1&" * 1001, "400 bad_form"),
    form("JSON as a form", '{"name": "my secret word"}', "400 bad_form"),
    form("field whose name is none", "name=n&my+secret+word=1", "body:unknown_field"),
    form("body over the limit", "name=" + "x" * MEBIBYTE, "413 body_too_large"),
    form("password of 2 MiB", "password=" + "p" * 2 * MEBIBYTE, "413 body_too_large", f"POST {L}"),
    form("compressed", "name=Milk", "415 unsupported_media_type", **{"Content-Encoding": "gzip"}),
    *(
        Bad(content_type, f"POST {T}", "415 unsupported_media_type", ((content_type, body),))
        for content_type, body in [
            (f"{JSON}; charset=utf-16", '{"name": "Milk"}'),
            ("text/plain", '{"name": "Milk"}'),
            ("", '{"name": "Milk"}'),
            (";;=;", "name=Milk"),
            (f"{FORM}; charset=latin-1", "name=Milk"),
            (f"{FORM}; charset=nope", "name=Milk"),
            ("multipart/form-data", "name=Milk"),
            ("multipart/form-data; boundary=b", PART_OF_FORM),
        ]
    ),
]

NO_TIMEZONES = [
    *("", " UTC", "Berlin", "Europe", "europe/berlin", "Europe/Berlin\n", "Europe/Berlin\0"),
    *("\ud800", "../Europe/Berlin", "/usr/share/zoneinfo/Europe/Berlin", "posixrules", "localtime"),
    *("Factory", "posix/Europe/Berlin", "CET-1CEST,M3.5.0,M10.5.0/3", "+02:00", "E" * 65),
]
NO_NAMES = ["a b", ".ab", "ab-", "\uff41dmin", "\u212aelvin", "a\u202eb", "bob\n", "b\0b"]
FOUR = {"username": "-", "email": "-", "password": "-", "x": 1}
LONG_EMAIL = f"{'a' * 64}@{'b' * 63}.{'c' * 63}.{'d' * 60}.com"

ACCOUNTS = [
    *fields(f"POST {A}", {}, ({}, "username:missing email:missing password:missing")),
    *values(
        f"POST {A}",
        CAROL,
        {
            "username:null": [None],
            "username:blank": [""],
            "username:username": NO_NAMES,
            "username:reserved": ["login", "LogOut"],
            "username:too_long": ["a" * 65],
            "username:type": [12],
            "409 username:taken": ["ALICE"],
            "email:email": ["carol", "c@example.com\r\nBcc: x@example.com", "C <c@example.com>"],
            "email:too_long": [LONG_EMAIL, f"{SLOW}@example.com"],
            "password:password_too_short": ["1234567"],
            "password:password_too_long": ["é" * 513, "p" * 1025, SLOW],
            "password:type": [123456789012345],
            "password:nul": ["nul\0nul\0nul"],
            "password:bad_unicode": ["\ud800 secret word"],
            "password2:mismatch": ["another password", SLOW],
            "timezone:null": [None],
            "timezone:type": [1],
            "timezone:timezone": NO_TIMEZONES,
            "is_admin:unknown_field": [True, "1"],
        },
    ),
    *fields(
        f"POST {A}",
        CAROL,
        (FOUR, "username:username email:email password:password_too_short x:unknown_field"),
    ),
    form("no username", "email=c%40d.example&password=long+one", "username:missing", f"POST {A}"),
    form("empty username", urlencode(CAROL | {"username": ""}), "username:null", f"POST {A}"),
    form("line end", urlencode(CAROL | {"username": "bob\n"}), "username:username", f"POST {A}"),
    form("NUL", urlencode(CAROL | {"username": "b\0b"}), "username:username", f"POST {A}"),
    form("CRLF", urlencode(CAROL | {"email": "c@a.example\r\nBcc: x"}), "email:email", f"POST {A}"),
    *fields(
        f"PUT {U}",
        {},
        ({"password": "another horse", "password2": "other"}, "password2:mismatch"),
        ({"password2": PASSWORD}, "password2:mismatch"),
        ({"password": "short"}, "password:password_too_short"),
        ({"username": None, "email": None}, "username:null email:null"),
        ({"timezone": None}, "timezone:null"),
        ({"timezone": "Berlin", "email": "new@example.com"}, "timezone:timezone"),
        ({"username": "login", "admin": 1}, "username:reserved admin:unknown_field"),
    ),
    *fields(
        f"POST {L}",
        {"username": "alice"},
        ({}, "password:missing"),
        ({"password": "wrong"}, "401 bad_credentials"),
        ({"username": "ali\0ce", "password": PASSWORD}, "401 bad_credentials"),
        ({"password": "x", "email": ""}, "email:unknown_field"),
    ),
    form("login without a password", "username=alice&password=", "password:null", f"POST {L}"),
    form("login with a NUL", "username=ali%00ce&password=x", "401 bad_credentials", f"POST {L}"),
    *fields(
        f"POST {U}/tokens",
        {},
        ({}, "name:missing scope:missing"),
        ({"name": " ", "scope": "admin"}, "name:blank scope:choice"),
        ({"name": "n" * 65, "scope": None}, "name:too_long scope:choice"),
        (TOKEN | {"expires": "2020-01-01"}, "expires:expires"),
        (TOKEN | {"expires": "9999-01-01"}, "expires:expires"),
        (TOKEN | {"expires": 90}, "expires:type"),
        (TOKEN | {"kind": "session"}, "kind:unknown_field"),
    ),
]


def of_each(names: str, count: int) -> str:
    """Return these faults of so many tasks."""
    pairs = (name.split(":") for name in names.split())
    return " ".join(f"tasks.{n}.{name}:{code}" for name, code in pairs for n in range(count))


DUE_SOON = f"PATCH {T}?due=soon"

TASKS = [
    *values(
        f"POST {T}",
        MILK,
        {
            "name:null": [None],
            "name:blank": ["", " ", " \t\n\u2003"],
            "name:too_long": ["n" * 256],
            "name:nul": ["a\0b"],
            "name:bad_unicode": ["\udc00"],
            "name:type": [5, ["Milk"]],
            "note:too_long": ["n" * 10_001],
            "note:nul": ["\0"],
            "due_date:date": [
                *("31/02/2026 10:00:00", "2026-02-01T23:59:60Z", "tomorrow", "0"),
                "0001-01-01T00:00:00+14:00",
            ],
            "due_date:type": [1700000000, 0],
            "completed:type": ["maybe", 1],
            "completed:null": [None],
            "colour:unknown_field": ["red"],
        },
    ),
    as_json("tasks as a text", '{"tasks": "Milk"}', "tasks:type"),
    as_json("truth as a string", '{"name": "n", "completed": "true"}', "completed:type"),
    form("empty name", "name=", "name:null"),
    form("empty truth", "name=Milk&completed=", "completed:null"),
    form("NUL", "name=%00", "name:nul"),
    form("tasks in a form", "name=Milk&tasks=Tea", "tasks:unknown_field"),
    form("empty tasks in a form", "tasks=", "name:missing tasks:unknown_field"),
    form("faults of query and body", "name=+", "x:unknown_field name:blank", f"POST {T}?x=1"),
    *fields(
        f"POST {T}",
        {},
        ({}, "name:missing"),
        (
            {"note": "\0", "due_date": "never", "completed": 2, "x": 1},
            "name:missing note:nul due_date:date completed:type x:unknown_field",
        ),
        ({"tasks": None}, "tasks:null"),
        ({"tasks": MILK}, "tasks:type"),
        ({"tasks": []}, "tasks:too_short"),
        ({"tasks": [MILK] * 101}, "tasks:too_long"),
        ({"tasks": [MILK], "name": "Tea"}, "name:unknown_field"),
        ({"tasks": [MILK], "id": 1}, "id:unknown_field"),
        ({"tasks": [MILK, "Tea", None]}, "tasks.1:type tasks.2:null"),
        ({"tasks": [{"tasks": [MILK], "name": "Tea"}]}, "tasks.0.tasks:unknown_field"),
        (
            {"tasks": [MILK, {"name": "\0"}, MILK | {"colour": 1, "note": 5}]},
            "tasks.1.name:nul tasks.2.colour:unknown_field tasks.2.note:type",
        ),
        ({"tasks": [MILK | {"completed": "true"}]}, "tasks.0.completed:type"),
        ({"tasks": [{}] * 100}, of_each("name:missing", 100)),
        # 200 faults, of which 100 are shown
        ({"tasks": [{"note": 5}] * 100}, of_each("name:missing note:type", 50)),
    ),
    *fields(
        f"PUT {K}",
        {},
        ({"completed": None}, "completed:null"),
        ({"completed": 2}, "completed:type"),
        ({"name": None}, "name:null"),
        ({"name": "", "nmae": "Tea"}, "name:blank nmae:unknown_field"),
        ({"nmae": "n"}, "nmae:unknown_field"),
        ({"note": "Tea", "due_date": "2030-02-30"}, "due_date:date"),
    ),
    as_json("truth as a word", '{"completed": "yes"}', "completed:type", f"PUT {K}"),
    form("of query and body", "name=+&x=1", "due:choice name:blank x:unknown_field", DUE_SOON),
]

NO_COOKIES = ("todo_session", "todo_session=", "=;;=", "todo_session=\xff; x", '"')

LOGINS = [
    plain(f"credentials: {headers!a}", f"GET {K}", "401 unauthenticated", **headers)
    for headers in [
        {"Authorization": ""},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer nope"},
        *({"Authorization": "", "Cookie": each} for each in (*NO_COOKIES, "todo_session=\xff\xfe")),
    ]
]

CREDENTIALS = {"username": "alice", "password": PASSWORD}
CROSS_SITE = [
    form(f"of another site: {what}", body, "403 cross_site", request, **headers)
    for headers in [{"Authorization": "", "Sec-Fetch-Site": "cross-site"}]
    for what, request, body in [
        ("log in", f"POST {L}", urlencode(CREDENTIALS)),
        ("register", f"POST {A}", urlencode(CAROL)),
        ("register, by a form that is none", f"POST {A}", "%ff"),
        ("log out", f"POST {A}/logout", ""),
        ("log out by a link", f"GET {A}/logout", ""),
    ]
]

NO_TAGS = ("2", "", '"2', "2, 3", '*, "2"', 'w/"2"', '"2 "', '"2" "3"', '"é"')
NO_KEYS = ("", "x" * 256, "a\tb", "schl\xfcssel", "a\x7f")

# A key that came with another request: tests/http/test_idempotency.py.
HEADERS = [
    form(f"{name}: {value[:20]}", "name=Tea", said, f"{method} {K}", **{name: value})
    for method, name, said, values in [
        ("PUT", "If-Match", "412 precondition", ('"0"', 'W/"1"')),
        ("PUT", "If-Match", "If-Match:entity_tag", NO_TAGS),
        ("GET", "If-None-Match", "If-None-Match:entity_tag", NO_TAGS),
        ("PUT", "Idempotency-Key", "Idempotency-Key:idempotency_key", NO_KEYS),
    ]
    for value in values
]

ROWS = [*PATHS, *QUERIES, *BODIES, *ACCOUNTS, *TASKS, *LOGINS, *CROSS_SITE, *HEADERS]
ON_BOTH = {row.what for row in [*PATHS, *LOGINS, *CROSS_SITE]} | {
    row.what for row in ROWS if row.needs_both
}
SECRETS = (PASSWORD, "secret word", "good password", "SELECT", "Traceback", "site-packages")


def rows(*, on_both: bool) -> pytest.MarkDecorator:
    chosen = [row for row in ROWS if (row.what in ON_BOTH) == on_both]
    return pytest.mark.parametrize("row", chosen, ids=lambda row: row.what)


@pytest.mark.filterwarnings("ignore:Unknown REQUEST_METHOD")
@rows(on_both=True)
def test_bad_input(alice: User, db: Session, row: Bad) -> None:
    task_id = make_task(db, alice)
    before = stored(db)
    for content_type, body in row.bodies:
        check(alice, row, task_id, {"Content-Type": content_type} | row.headers, body)
        assert stored(db) == before


@pytest.mark.parametrize("database_server", ["sqlite"], indirect=True)
@rows(on_both=False)
def test_bad_input_that_no_database_sees(alice: User, db: Session, row: Bad) -> None:
    test_bad_input(alice, db, row)


def check(alice: User, row: Bad, task_id: int, headers: dict[str, str], body: Body) -> None:
    """Send the request, and fail if the answer is not what the row says."""
    client: Client = alice
    if headers.get("Authorization") == "":
        client = Client(alice.app)
        del headers["Authorization"]
    method, path = row.request.replace("{id}", str(task_id)).split(" ", 1)
    status, *expected = row.said.split() if row.said[0].isdigit() else ["400", *row.said.split()]
    begun = time.monotonic()
    with statements(alice.app.registry["engine"]) as run:
        response = client.request(
            path,
            method=method,
            environ={"REQUEST_URI": path},  # as the HTTP server hands it on
            body=body.encode() if isinstance(body, str) else body,
            headers=headers,
        )
    assert time.monotonic() - begun < 2, "nothing else is served meanwhile"
    assert response.status_int == int(status)
    if status == "403":
        assert len(run) <= 1, "nothing is asked but who this is"
    problem = response.json
    if ":" in expected[0]:
        found = [f"{fault['field']}:{fault['code']}" for fault in problem["errors"]]
        assert sorted(found) == sorted(expected)
    else:
        assert [problem["code"]] == expected
    assert ("Allow" in response.headers) == (status == "405")
    assert [secret for secret in SECRETS if secret in response.text] == []


NO_IDS = (
    *("0", "x", "-1", "01", "1.0", "1e3", "%D9%A1%D9%A2", "1%00", "1%0A", "999999"),
    *(str(ID_MAX), str(ID_MAX + 1), "9" * 5000),
)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        *((method, "/tasks/{id}") for method in ("GET", "PUT", "PATCH", "DELETE")),
        ("GET", "/tasks/{id}/history"),
        ("DELETE", "/trash/{id}"),
        ("POST", "/trash/{id}/restore"),
        ("GET", "/tokens/{id}"),
        ("DELETE", "/tokens/{id}"),
        ("POST", "/changes/{id}/undo"),
    ],
)
def test_id_of_nothing_is_not_found(alice: User, db: Session, method: str, path: str) -> None:
    make_task(db, alice)
    before = stored(db)
    for text in NO_IDS:
        response = alice.send_form(method, alice.url + path.format(id=text), "name=Mine")
        assert (response.status_int, response.json["code"]) == (404, "not_found"), text
    assert stored(db) == before


def test_unknown_field_is_named_but_never_at_length(alice: User) -> None:
    response = alice.post_json(alice.tasks_url, {"x" * 10_000: 1, "name": "Milk"})
    assert response.json["errors"][0]["field"] == "body"
    response = alice.post_json(alice.tasks_url, {f"x{n}": 1 for n in range(5000)})
    assert len(response.json["errors"]) == 100
