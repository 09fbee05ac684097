"""Bad input: every route refuses it with a clear error.

The response is a problem document, never a 500, and contains no secret; nothing is stored.
tests/server/test_wire.py covers malformed HTTP.
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
from tests.support.databases import all_rows, statements
from tests.support.factories import PASSWORD, make_task
from todo.models.meta import ID_MAX
from todo.schemas.task_filter import SEARCH_MAX

ACCOUNTS = "/api/v1/accounts"
ALICE = f"{ACCOUNTS}/alice"
TASKS = f"{ALICE}/tasks"
TASK = f"{TASKS}/{{id}}"
LOGIN = f"{ACCOUNTS}/login"
POST_ACCOUNT = f"POST {ACCOUNTS}"
POST_LOGIN = f"POST {LOGIN}"

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
MEBIBYTE = 1024 * 1024
SLOW_TO_NORMALIZE = "a" + "\u0301\u0327" * 20_000  # takes quadratic time
CAROL = {"username": "carol", "email": "carol@example.com", "password": "a good password"}
MILK = {"name": "Milk"}
TOKEN = {"name": "n", "scope": "read"}

Body = str | bytes


@dataclass(frozen=True)
class BadRequest:
    """A request by Alice, and the expected response.

    `expected` is a status and the problem's code, or faults as field:code, such as "name:blank".
    """

    case: str
    request: str
    expected: str
    bodies: tuple[tuple[str, Body], ...] = (("", b""),)  # Content-Type and content
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def needs_both_databases(self) -> bool:
        """Whether the input may reach the database."""
        text = f"{self.request} {self.bodies!r:.5000}"
        return bool(re.search(r"%00|u0000|u[dD][89a-fA-F]|(after|before|id|search)=", text))


def without_body(case: str, request: str, expected: str, **headers: str) -> BadRequest:
    return BadRequest(
        case, request, expected, headers={name.replace("_", "-"): headers[name] for name in headers}
    )


def get(case: str, path: str, expected: str = "404 not_found") -> BadRequest:
    return BadRequest(case, f"GET {path}", expected)


def as_json(case: str, body: Body, expected: str, request: str = f"POST {TASKS}") -> BadRequest:
    return BadRequest(case, request, expected, ((JSON, body),))


def form(
    case: str, body: Body, expected: str, request: str = f"POST {TASKS}", **headers: str
) -> BadRequest:
    return BadRequest(case, request, expected, ((FORM, body),), headers)


def queries(
    request: str, table: str, body: Body = b"", content_type: str = ""
) -> Iterator[BadRequest]:
    """Yield a request for each query in the table; a line begins with the expected response."""
    for line in table.strip().splitlines():
        expected, *each = line.split()
        for query in each:
            full_request = f"{request}{query}"
            yield BadRequest(full_request, full_request, expected, ((content_type, body),))


def fields(
    request: str, base: dict[str, Any], *rows: tuple[dict[str, Any], str]
) -> Iterator[BadRequest]:
    """Yield a request for each row, with the base fields updated by those of the row.

    If all values are strings, it is also sent as a form.
    """
    for change, expected in rows:
        sent = base | change
        bodies: list[tuple[str, Body]] = [(JSON, json.dumps(sent))]
        if all(isinstance(each, str) and each and each.isprintable() for each in sent.values()):
            bodies.append((FORM, urlencode(sent)))
        yield BadRequest(f"{request} {change!a:.60}", request, expected, tuple(bodies))


def values(request: str, base: dict[str, Any], table: dict[str, list[Any]]) -> Iterator[BadRequest]:
    """Yield a request for each wrong value; the key names the field and the expected fault."""
    for expected, wrong in table.items():
        name = expected.split()[-1].partition(":")[0]
        yield from fields(request, base, *(({name: value}, expected) for value in wrong))


PATH_ROWS = [
    get("no such URL", "/api/v1/nope"),
    *(get("trailing slash", f"{path}/") for path in (ACCOUNTS, ALICE, TASKS, TASK)),
    *(get("trailing newline", f"{path}%0A") for path in ("/api/v1", ACCOUNTS, TASKS, TASK)),
    without_body("POST to a task", f"POST {TASK}", "405 method_not_allowed"),
    without_body("PUT to the tasks", f"PUT {TASKS}", "405 method_not_allowed"),
    without_body("unknown method", "FOO /api/v1", "405 method_not_allowed"),
    without_body("OPTIONS of unknown URL", "OPTIONS /nope", "404 not_found"),
    without_body("PUT to the login", f"PUT {LOGIN}", "405 method_not_allowed"),
    form("method override", "name=x", "_method:unknown_field", f"POST {TASKS}?_method=DELETE"),
    get("path not UTF-8", f"{ACCOUNTS}/%ff", "400 bad_path"),
    get("invalid percent-encoding", f"{ACCOUNTS}/%zz", "403 forbidden"),
    get("leading zero", f"{TASKS}/0{{id}}"),
    get("id with a NUL", f"{TASK}%00"),
    get("username with a newline", f"{ALICE}%0A", "403 forbidden"),
    get("username with a NUL", f"{ACCOUNTS}/b%00b", "403 forbidden"),
    get("own username with a NUL", f"{ALICE}%00", "403 forbidden"),
    get("username with encoded slashes", f"{ACCOUNTS}/alice%2Ftasks%2Fx"),
    get("encoded slash after username", f"{ALICE}%2Ftasks"),
    get("encoded slash in path", "/api/v1/accounts%2falice"),
    get("encoded slash at start", "/%2Fapi/v1"),
    without_body("DELETE with encoded slash", f"DELETE {TASKS}%2F{{id}}", "404 not_found"),
    without_body("OPTIONS with encoded slash", "OPTIONS /api%2Fv1", "404 not_found"),
    get("username of dots", f"{ACCOUNTS}/..", "403 forbidden"),
    get("Cyrillic letter", f"{ACCOUNTS}/%D0%B0lice", "403 forbidden"),
    get("Kelvin sign", f"{ACCOUNTS}/%E2%84%AAelvin", "403 forbidden"),
    get("dotless i", f"{ACCOUNTS}/al%C4%B1ce", "403 forbidden"),
    get("query not UTF-8", f"{TASKS}?limit=%ff", "400 bad_query"),
    get("parameter not UTF-8", f"{TASKS}?%ff=1", "400 bad_query"),
    get("1,001 parameters", f"{TASKS}?{'a&' * 1001}", "400 bad_query"),
    get("unknown parameter", f"{TASKS}?nope=1", "nope:unknown_field"),
    get("repeated parameter", f"{TASKS}?a=1&a=1", "a:unknown_field"),
    get("unknown export parameter", f"{ALICE}/export?limit=1", "limit:unknown_field"),
]

DATES = (
    *("", "soon", "1700000000", "2030-02-30", "31/02/2030+10:00:00", "%00"),
    *("2030-02-01T10:00:00+02:00", "0001-01-01T00:00:00%2B14:00"),
)

QUERY_ROWS = [
    *queries(
        f"GET {TASKS}?",
        """
        limit:type limit= limit=x limit=1.5 limit=%2B1 limit=1_0 limit=+1 limit=%D9%A1
        limit:type limit=99999999999999999999
        limit:range limit=9999999999999999999
        limit:range limit=0 limit=-1 limit=201 limit=1000000000
        limit:duplicate limit=1&limit=1
        after:cursor after= after=garbage after=%22 after=WyJ4IixudWxsLDFd
        after:nul after=%00
        sort:choice sort= sort=note sort=--id sort=ID sort=id,name sort=password_hash sort=+id
        fields:choice fields= fields=id,nope fields=id, fields=id,+name fields=account_id
        fields:choice fields=name_folded
        fields:duplicate fields=id,id
        count:type count= count=1 count=yes
        completed:type completed= completed=maybe completed=yes completed=1
        due:choice due= due=soon due=TODAY due=2030-02-01
        id:ids id= id=x id=1, id=,1 id=0 id=01 id=1,+2 id=%D9%A1 id=9223372036854775808 id=1.0 id=-1
        search:no_words search= search=* search=%22 search=+ search="'()
        search:no_words search=%E2%80%A6 search=%D9%80 search=%EF%B8%8F
        search:nul search=a%00 search=a%00b
        offset:unknown_field offset=1
        dry_run:unknown_field dry_run=true
        """,
    ),
    *(
        row
        for bound in ("due_after", "due_before", "created_after", "completed_before")
        for date in DATES
        for row in queries(f"GET {TASKS}?", f"{bound}:date {bound}={date}")
    ),
    get("201 ids", f"{TASKS}?id={','.join(['1'] * 201)}", "id:too_long"),
    get("long search", f"{TASKS}?search={'x' * (SEARCH_MAX + 1)}", "search:too_long"),
    get("very long search", f"{TASKS}?search={'x' * 10_000}", "search:too_long"),
    *(
        row
        for method in ("PATCH", "DELETE")
        for row in queries(
            f"{method} {TASKS}?id={{id}}&",
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
        f"GET {ALICE}/changes?",
        """
        since:range since=-1 since=9223372036854775808
        since:type since= since=2030-01-01
        limit:range limit=0 limit=201
        after:unknown_field after=1
        """,
    ),
    *queries(
        f"GET {TASK}/history?",
        "after:range after=0\n after:type after=x\n limit:range limit=201\n"
        "since:unknown_field since=1",
    ),
    *queries(
        f"GET {ALICE}/trash?",
        """
        limit:range limit=0 limit=201
        limit:duplicate limit=1&limit=1
        after:cursor after=x after= after=WyJ4IixudWxsLDFd
        sort:unknown_field sort=id
        fields:unknown_field fields=id
        count:unknown_field count=true
        dry_run:unknown_field dry_run=true
        offset:unknown_field offset=1
        """,
    ),
    *(
        row
        for request in (
            f"GET {ALICE}/trash?",
            f"DELETE {ALICE}/trash?",
            f"POST {ALICE}/trash/restore?",
        )
        for row in queries(
            request,
            """
            completed:type completed= completed=maybe
            due:choice due= due=soon
            id:ids id= id=x id=01 id=9223372036854775808
            search:no_words search= search=*
            search:nul search=a%00
            search:duplicate search=a&search=b
            deleted_after:date deleted_after= deleted_after=soon deleted_after=2030-02-30
            deleted_before:date deleted_before=0001-01-01T00:00:00%2B14:00
            deleted:unknown_field deleted=2030-02-01
            """,
        )
    ),
    *(
        row
        for request in (f"DELETE {ALICE}/trash?", f"POST {ALICE}/trash/restore?")
        for row in queries(
            f"{request}due=none&",
            """
            limit:unknown_field limit=1
            after:unknown_field after=x
            sort:unknown_field sort=name
            fields:unknown_field fields=id
            count:unknown_field count=true
            dry_run:type dry_run=yes dry_run=
            """,
        )
    ),
    *queries(
        f"GET {TASKS}?",
        "deleted_after:unknown_field deleted_after=2030-02-01",
    ),
]

PART_OF_FORM = '--b\r\nContent-Disposition: form-data; name="name"; filename="f"\r\n\r\n--b--'

BODY_ROWS = [
    as_json("empty body", "", "400 bad_json"),
    as_json("trailing comma", '{"name": "Milk",}', "400 bad_json"),
    as_json("array", "[1]", "400 not_object"),
    as_json("string", '"x"', "400 not_object"),
    as_json("null", "null", "400 not_object"),
    as_json("duplicate key", '{"name": "a", "name": "b"}', "400 duplicate_key"),
    as_json("nested duplicate key", '{"name": "a", "x": {"y": 1, "y": 2}}', "400 duplicate_key"),
    as_json("Infinity", '{"name": Infinity}', "400 bad_json"),
    as_json("NaN", '{"name": NaN}', "400 bad_json"),
    as_json("float overflow", '{"name": 1e999}', "400 bad_json"),
    as_json("huge integer", '{"name": ' + "9" * 5000 + "}", "400 bad_json"),
    as_json("20,000 unclosed arrays", "[" * 20_000, "400 bad_json"),
    as_json("20,000 nested arrays", "[" * 20_000 + "]" * 20_000, "400 bad_json"),
    as_json("33 nested objects", '{"a":' * 33 + "1" + "}" * 33, "400 bad_json"),
    as_json(
        "32 nested objects", '{"name": "n", "a":' + '{"a":' * 31 + "1" + "}" * 32, "a:unknown_field"
    ),
    as_json("UTF-16", '{"name": "Milk"}'.encode("utf-16"), "400 bad_json"),
    as_json("byte order mark", b"\xef\xbb\xbf" + b'{"name": "Milk"}', "400 bad_json"),
    as_json("invalid UTF-8", b'{"name": "\xff"}', "400 bad_json"),
    as_json("lone surrogate as a name", '{"\\ud800": 1}', "400 bad_json"),
    form("percent-encoded invalid UTF-8", "name=%ff", "400 bad_form"),
    form("invalid UTF-8", b"name=\xff", "400 bad_form"),
    form("repeated key", "name=a&name=b", "400 duplicate_key"),
    form("1,001 fields", "x=1&" * 1001, "400 bad_form"),
    form("JSON as a form", '{"name": "my secret word"}', "400 bad_form"),
    form("malformed field name", "name=n&my+secret+word=1", "body:unknown_field"),
    form("body over the limit", "name=" + "x" * MEBIBYTE, "413 body_too_large"),
    form("password of 2 MiB", "password=" + "p" * 2 * MEBIBYTE, "413 body_too_large", POST_LOGIN),
    form("compressed", "name=Milk", "415 unsupported_media_type", **{"Content-Encoding": "gzip"}),
    *(
        BadRequest(
            content_type, f"POST {TASKS}", "415 unsupported_media_type", ((content_type, body),)
        )
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

BAD_TIMEZONES = [
    *("", " UTC", "Berlin", "Europe", "europe/berlin", "Europe/Berlin\n", "Europe/Berlin\0"),
    *("\ud800", "../Europe/Berlin", "/usr/share/zoneinfo/Europe/Berlin", "posixrules", "localtime"),
    *("Factory", "posix/Europe/Berlin", "CET-1CEST,M3.5.0,M10.5.0/3", "+02:00", "E" * 65),
]
BAD_USERNAMES = ["a b", ".ab", "ab-", "\uff41dmin", "\u212aelvin", "a\u202eb", "bob\n", "b\0b"]
FOUR_FAULTS = {"username": "-", "email": "-", "password": "-", "x": 1}
LONG_EMAIL = f"{'a' * 64}@{'b' * 63}.{'c' * 63}.{'d' * 60}.com"

ACCOUNT_ROWS = [
    *fields(POST_ACCOUNT, {}, ({}, "username:missing email:missing password:missing")),
    *values(
        POST_ACCOUNT,
        CAROL,
        {
            "username:null": [None],
            "username:blank": [""],
            "username:username": BAD_USERNAMES,
            "username:reserved": ["login", "LogOut"],
            "username:too_long": ["a" * 65],
            "username:type": [12],
            "409 username:taken": ["ALICE"],
            "email:email": ["carol", "c@example.com\r\nBcc: x@example.com", "C <c@example.com>"],
            "email:too_long": [LONG_EMAIL, f"{SLOW_TO_NORMALIZE}@example.com"],
            "password:password_too_short": ["1234567"],
            "password:password_too_long": ["é" * 513, "p" * 1025, SLOW_TO_NORMALIZE],
            "password:type": [123456789012345],
            "password:nul": ["nul\0nul\0nul"],
            "password:bad_unicode": ["\ud800 secret word"],
            "password2:mismatch": ["another password", SLOW_TO_NORMALIZE],
            "timezone:null": [None],
            "timezone:type": [1],
            "timezone:timezone": BAD_TIMEZONES,
            "is_admin:unknown_field": [True, "1"],
        },
    ),
    *fields(
        POST_ACCOUNT,
        CAROL,
        (FOUR_FAULTS, "username:username email:email password:password_too_short x:unknown_field"),
    ),
    form("no username", "email=c%40d.example&password=long+one", "username:missing", POST_ACCOUNT),
    form("empty username", urlencode(CAROL | {"username": ""}), "username:null", POST_ACCOUNT),
    form(
        "trailing newline",
        urlencode(CAROL | {"username": "bob\n"}),
        "username:username",
        POST_ACCOUNT,
    ),
    form("NUL", urlencode(CAROL | {"username": "b\0b"}), "username:username", POST_ACCOUNT),
    form(
        "CRLF", urlencode(CAROL | {"email": "c@a.example\r\nBcc: x"}), "email:email", POST_ACCOUNT
    ),
    *fields(
        f"PUT {ALICE}",
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
        POST_LOGIN,
        {"username": "alice"},
        ({}, "password:missing"),
        ({"password": "wrong"}, "401 bad_credentials"),
        ({"username": "ali\0ce", "password": PASSWORD}, "401 bad_credentials"),
        ({"password": "x", "email": ""}, "email:unknown_field"),
    ),
    form("login without a password", "username=alice&password=", "password:null", POST_LOGIN),
    form("login with a NUL", "username=ali%00ce&password=x", "401 bad_credentials", POST_LOGIN),
    *fields(
        f"POST {ALICE}/tokens",
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


def faults_of_tasks(names: str, count: int) -> str:
    """Return the faults for each of `count` tasks."""
    pairs = (name.split(":") for name in names.split())
    return " ".join(f"tasks.{n}.{name}:{code}" for name, code in pairs for n in range(count))


DUE_SOON = f"PATCH {TASKS}?due=soon"

TASK_ROWS = [
    *values(
        f"POST {TASKS}",
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
    as_json("tasks as a string", '{"tasks": "Milk"}', "tasks:type"),
    as_json("boolean as a string", '{"name": "n", "completed": "true"}', "completed:type"),
    form("empty name", "name=", "name:null"),
    form("empty boolean", "name=Milk&completed=", "completed:null"),
    form("NUL", "name=%00", "name:nul"),
    form("tasks in a form", "name=Milk&tasks=Tea", "tasks:unknown_field"),
    form("empty tasks in a form", "tasks=", "name:missing tasks:unknown_field"),
    form("faults of query and body", "name=+", "x:unknown_field name:blank", f"POST {TASKS}?x=1"),
    *fields(
        f"POST {TASKS}",
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
        ({"tasks": [{}] * 100}, faults_of_tasks("name:missing", 100)),
        # 200 faults; the response lists 100
        ({"tasks": [{"note": 5}] * 100}, faults_of_tasks("name:missing note:type", 50)),
    ),
    *fields(
        f"PUT {TASK}",
        {},
        ({"completed": None}, "completed:null"),
        ({"completed": 2}, "completed:type"),
        ({"name": None}, "name:null"),
        ({"name": "", "nmae": "Tea"}, "name:blank nmae:unknown_field"),
        ({"nmae": "n"}, "nmae:unknown_field"),
        ({"note": "Tea", "due_date": "2030-02-30"}, "due_date:date"),
    ),
    as_json("boolean as a word", '{"completed": "yes"}', "completed:type", f"PUT {TASK}"),
    form(
        "faults of bulk query and body",
        "name=+&x=1",
        "due:choice name:blank x:unknown_field",
        DUE_SOON,
    ),
]

BAD_COOKIES = ("todo_session", "todo_session=", "=;;=", "todo_session=\xff; x", '"')

NEVER = "FREQ=YEARLY;BYMONTHDAY=31;BYMONTH=2"
DATED = {"name": "Tea", "due_date": "2030-02-05"}
DAILY = DATED | {"recurrence": "FREQ=DAILY"}
BAD_RULES = [
    *("FREQ=SECONDLY", "FREQ=MINUTELY", "FREQ=HOURLY", "FREQ=", "BYMONTHDAY=31;BYMONTH=2", NEVER),
    *("FREQ=DAILY;INTERVAL=0", "FREQ=DAILY;INTERVAL=-1", "FREQ=DAILY;INTERVAL=1000"),
    *("FREQ=DAILY;COUNT=0", "FREQ=DAILY;COUNT=2;UNTIL=20310101", "FREQ=DAILY;UNTIL=20310229"),
    *(
        "FREQ=DAILY;BYHOUR=9",
        "FREQ=DAILY;X-A=1",
        "RRULE:FREQ=DAILY",
        "FREQ=DAILY\nCOUNT=2",
        "daily",
    ),
    *("FREQ=DAILY;DTSTART=20300101", "FREQ=DAILY;INTERVAL=\u0661", "FREQ=DAILY;" * 50),
]
BAD_RECURRENCE: dict[str, list[Any]] = {
    "recurrence:recurrence": BAD_RULES,
    "recurrence:nul": ["FREQ=DAILY\0"],
    "recurrence:bad_unicode": ["\ud800"],
    "recurrence:type": [7, True, ["FREQ=DAILY"], {"FREQ": "DAILY"}],
}
BAD_FIELDS: dict[str, list[Any]] = BAD_RECURRENCE | {
    "recurrence_from:choice": ["", "DUE", "today", None, 1],
    "timezone:timezone": BAD_TIMEZONES,
    "timezone:type": [1],
}
BAD_COMPLETING: dict[str, list[Any]] = {
    "occurrence:date": ["soon", "2030-02-30", "31/02/2030 10:00:00", "0001-01-01T00:00:00+14:00"],
    "occurrence:type": [7, False, ["2030-02-05"], {"due_date": "2030-02-05"}],
    "catch_up:type": ["maybe", 1, [True]],
    "catch_up:null": [None],
}
RECURRENCE_ROWS = [
    *values(
        f"POST {ALICE}/recurrence/preview",
        {"recurrence": "FREQ=DAILY", "due_date": "2030-02-05"},
        BAD_RECURRENCE
        | {
            "recurrence:null": [None],
            "due_date:null": [None],
            "due_date:date": ["soon", "2030-02-30"],
            "due_date:type": [7],
            "timezone:timezone": BAD_TIMEZONES,
            "count:range": [0, -1, 101, 10**9],
            "count:type": ["x", 1.5, True, [3]],
            "count:null": [None],
            "occurrence:unknown_field": ["2030-02-05"],
        },
    ),
    *values(f"POST {TASKS}", DATED, BAD_FIELDS),
    *values(f"PUT {TASK}", {"due_date": "2030-02-05"}, BAD_FIELDS),
    *values(f"PATCH {TASK}", {"due_date": "2030-02-05", "recurrence": "FREQ=DAILY"}, BAD_FIELDS),
    *values(f"PATCH {TASKS}?id={{id}}", {"due_date": "2030-02-05"}, BAD_FIELDS),
    *values(f"PATCH {TASK}", {"completed": True}, BAD_COMPLETING),
    *values(f"PUT {TASK}", {"completed": True}, BAD_COMPLETING),
    *values(f"PATCH {TASKS}?id={{id}}", {"completed": True}, BAD_COMPLETING),
    *values(f"POST {TASK}/skip", {}, BAD_COMPLETING),
    *fields(
        f"POST {TASKS}",
        {"name": "Tea"},
        ({"recurrence": "FREQ=DAILY"}, "due_date:missing"),
        (DAILY | {"occurrence": "2030-02-05"}, "occurrence:unknown_field"),
        (DAILY | {"catch_up": True, "completed": True}, "catch_up:unknown_field"),
    ),
    *fields(
        f"POST {TASKS}",
        {},
        (
            {"tasks": [DAILY, DATED | {"recurrence": "FREQ=HOURLY"}]},
            "tasks.1.recurrence:recurrence",
        ),
        ({"tasks": [DATED | {"recurrence": NEVER}, DAILY]}, "tasks.0.recurrence:recurrence"),
        ({"tasks": [{"name": "Tea", "recurrence": "FREQ=DAILY"}]}, "tasks.0.due_date:missing"),
        ({"tasks": [DAILY | {"timezone": "Nowhere"}]}, "tasks.0.timezone:timezone"),
    ),
    *fields(
        f"PATCH {TASK}",
        {},
        ({"recurrence": "FREQ=DAILY"}, "due_date:missing"),
        ({"recurrence": "FREQ=DAILY", "completed": True}, "due_date:missing"),
        ({"occurrence": "2030-02-05"}, "occurrence:not_completed"),
        ({"catch_up": True, "completed": False}, "catch_up:not_completed"),
        ({"task": {"completed": True, "occurrence": 7}}, "task.occurrence:type"),
        ({"task": {"completed": True}, "occurrence": 7}, "occurrence:place"),
        ({"task": {"recurrence": "FREQ=DAILY"}}, "due_date:missing"),
    ),
    form("empty source", "recurrence_from=", "recurrence_from:choice", f"PUT {TASK}"),
    form("empty choice", "completed=true&catch_up=", "catch_up:null", f"PUT {TASK}"),
    form("choice", "completed=true&catch_up=maybe", "catch_up:type", f"PUT {TASK}"),
    form("skipped date", "occurrence=soon", "occurrence:date", f"POST {TASK}/skip"),
]

LOGIN_ROWS = [
    without_body(f"credentials: {headers!a}", f"GET {TASK}", "401 unauthenticated", **headers)
    for headers in [
        {"Authorization": ""},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer nope"},
        *(
            {"Authorization": "", "Cookie": each}
            for each in (*BAD_COOKIES, "todo_session=\xff\xfe")
        ),
    ]
]

CREDENTIALS = {"username": "alice", "password": PASSWORD}
CROSS_SITE_ROWS = [
    form(f"cross-site: {case}", body, "403 cross_site", request, **headers)
    for headers in [{"Authorization": "", "Sec-Fetch-Site": "cross-site"}]
    for case, request, body in [
        ("log in", POST_LOGIN, urlencode(CREDENTIALS)),
        ("register", POST_ACCOUNT, urlencode(CAROL)),
        ("register with a malformed form", POST_ACCOUNT, "%ff"),
        ("log out", f"POST {ACCOUNTS}/logout", ""),
        ("log out by link", f"GET {ACCOUNTS}/logout", ""),
    ]
]

BAD_TAGS = ("2", "", '"2', "2, 3", '*, "2"', 'w/"2"', '"2 "', '"2" "3"', '"é"')
BAD_KEYS = ("", "x" * 256, "a\tb", "schl\xfcssel", "a\x7f")

# tests/http/test_idempotency.py covers a key used with another request.
HEADER_ROWS = [
    form(f"{name}: {value[:20]}", "name=Tea", expected, f"{method} {TASK}", **{name: value})
    for method, name, expected, values in [
        ("PUT", "If-Match", "412 precondition", ('"0"', 'W/"1"')),
        ("PUT", "If-Match", "If-Match:entity_tag", BAD_TAGS),
        ("GET", "If-None-Match", "If-None-Match:entity_tag", BAD_TAGS),
        ("PUT", "Idempotency-Key", "Idempotency-Key:idempotency_key", BAD_KEYS),
    ]
    for value in values
]

ROWS = [
    *PATH_ROWS,
    *QUERY_ROWS,
    *BODY_ROWS,
    *ACCOUNT_ROWS,
    *TASK_ROWS,
    *RECURRENCE_ROWS,
    *LOGIN_ROWS,
    *CROSS_SITE_ROWS,
    *HEADER_ROWS,
]
ON_BOTH_DATABASES = {row.case for row in [*PATH_ROWS, *LOGIN_ROWS, *CROSS_SITE_ROWS]} | {
    row.case for row in ROWS if row.needs_both_databases
}
SECRETS = (PASSWORD, "secret word", "good password", "SELECT", "Traceback", "site-packages")


def each_row(*, on_both: bool) -> pytest.MarkDecorator:
    chosen = [row for row in ROWS if (row.case in ON_BOTH_DATABASES) == on_both]
    return pytest.mark.parametrize("row", chosen, ids=lambda row: row.case)


@pytest.mark.filterwarnings("ignore:Unknown REQUEST_METHOD")
@each_row(on_both=True)
def test_bad_input_is_refused(alice: User, db: Session, row: BadRequest) -> None:
    task_id = make_task(db, alice)
    before = all_rows(db)
    for content_type, body in row.bodies:
        check(alice, row, task_id, {"Content-Type": content_type} | row.headers, body)
        assert all_rows(db) == before


@pytest.mark.parametrize("database_server", ["sqlite"], indirect=True)
@each_row(on_both=False)
def test_bad_input_independent_of_database_is_refused(
    alice: User, db: Session, row: BadRequest
) -> None:
    test_bad_input_is_refused(alice, db, row)


def check(alice: User, row: BadRequest, task_id: int, headers: dict[str, str], body: Body) -> None:
    """Send the request and check the response against the row."""
    client: Client = alice
    if headers.get("Authorization") == "":
        client = Client(alice.app)
        del headers["Authorization"]
    method, path = row.request.replace("{id}", str(task_id)).split(" ", 1)
    status, *expected = (
        row.expected.split() if row.expected[0].isdigit() else ["400", *row.expected.split()]
    )
    start = time.monotonic()
    with statements(alice.app.registry["engine"]) as run:
        response = client.request(
            path,
            method=method,
            environ={"REQUEST_URI": path},  # as the HTTP server passes it
            body=body.encode() if isinstance(body, str) else body,
            headers=headers,
        )
    assert time.monotonic() - start < 2, "the request blocks a thread for too long"
    assert response.status_int == int(status)
    if status == "403":
        assert len(run) <= 1, "the only query authenticates the caller"
    problem = response.json
    if ":" in expected[0]:
        found = [f"{fault['field']}:{fault['code']}" for fault in problem["errors"]]
        assert sorted(found) == sorted(expected)
        for fault in problem["errors"]:
            if fault.get("pointer"):  # a parameter has none
                assert fault["pointer"] == f"/{fault['field'].replace('.', '/')}"
    else:
        assert [problem["code"]] == expected
    assert ("Allow" in response.headers) == (status == "405")
    assert [secret for secret in SECRETS if secret in response.text] == []


BAD_IDS = (
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
def test_invalid_or_unknown_id_is_not_found(
    alice: User, db: Session, method: str, path: str
) -> None:
    make_task(db, alice)
    before = all_rows(db)
    for text in BAD_IDS:
        response = alice.send_form(method, alice.url + path.format(id=text), "name=Mine")
        assert (response.status_int, response.json["code"]) == (404, "not_found"), text
    assert all_rows(db) == before


def test_unknown_field_faults_are_bounded_in_length_and_number(alice: User) -> None:
    response = alice.post_json(alice.tasks_url, {"x" * 10_000: 1, "name": "Milk"})
    assert response.json["errors"][0]["field"] == "body"
    response = alice.post_json(alice.tasks_url, {f"x{n}": 1 for n in range(5000)})
    assert len(response.json["errors"]) == 100
