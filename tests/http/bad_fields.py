"""Bad fields of accounts, tokens and tasks, for test_bad_inputs.py."""

from urllib.parse import urlencode

from tests.support.bad_requests import (
    ALICE,
    BAD_TIMEZONES,
    CAROL,
    MILK,
    POST_ACCOUNT,
    POST_LOGIN,
    SLOW_TO_NORMALIZE,
    TASK,
    TASKS,
    TOKEN,
    as_json,
    fields,
    form,
    values,
)
from tests.support.factories import PASSWORD

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
