"""Bad paths, queries, bodies, credentials and header fields, for test_bad_inputs.py."""

from urllib.parse import urlencode

from tests.support.bad_requests import (
    ACCOUNTS,
    ALICE,
    CAROL,
    CREDENTIALS,
    DATES,
    FORM,
    JSON,
    LOGIN,
    MEBIBYTE,
    POST_ACCOUNT,
    POST_LOGIN,
    TASK,
    TASKS,
    BadRequest,
    as_json,
    form,
    get,
    queries,
    without_body,
)
from todo.schemas.task_filter import SEARCH_MAX

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

BAD_COOKIES = ("todo_session", "todo_session=", "=;;=", "todo_session=\xff; x", '"')

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
