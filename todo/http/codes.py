"""The catalogue of error codes. They are stable: clients depend on them."""

from collections.abc import Mapping

from todo.http.request import MAX_BODY

USERNAME_TAKEN = "This username is taken, or was until recently. Choose another one."

# code -> status and meaning.
CODES: Mapping[str, tuple[int, str]] = {
    "bad_form": (400, "The body is not a form in percent-encoded UTF-8, or has too many fields."),
    "bad_host": (
        400,
        "The `Host` is missing, or not that of the service. Health checks accept every host.",
    ),
    "bad_json": (400, "The body is not JSON in UTF-8, or is nested too deeply."),
    "bad_path": (400, "The path is not percent-encoded UTF-8."),
    "bad_query": (400, "The query is not percent-encoded UTF-8, or has too many parameters."),
    "duplicate_key": (400, "A field occurs more than once in the body."),
    "not_object": (400, "The body is JSON but not an object."),
    "validation": (400, "Fields, parameters or header fields are invalid; `errors` lists them."),
    "bad_credentials": (401, "The username or the password is wrong."),
    "unauthenticated": (401, "The request has no valid token or session cookie."),
    "cross_site": (403, "A page of another site sent the request; nothing was changed."),
    "forbidden": (403, "The path names another account than the one that is logged in."),
    "account_disabled": (403, "An administrator has disabled this account."),
    "insufficient_scope": (
        403,
        "The scope of the token does not allow this; `GET /api/v1/whoami` shows the scope.",
    ),
    "invitation_required": (
        403,
        "The service accepts registrations by invitation only; the `invitation` is missing, "
        "unknown, used or older than a week.",
    ),
    "registration_closed": (403, "The service accepts no registrations; ask its administrator."),
    "reauthentication_required": (
        403,
        "`current_password` is missing or wrong; send it, or log in again.",
    ),
    "not_found": (404, "Nothing exists at this URL."),
    "method_not_allowed": (
        405,
        "The URL does not support this method; `Allow` lists those it does.",
    ),
    "conflict": (409, "Another request changed the same data at the same time; read it again."),
    "not_undoable": (
        409,
        "Changes to the profile, and to permanently deleted tasks, cannot be undone.",
    ),
    "not_recurring": (409, "The task does not recur, or its last occurrence is completed."),
    "other_occurrence": (
        409,
        "The task has another due date than the `occurrence` of the request, and no completed "
        "occurrence has it; read the task again.",
    ),
    "undo_conflict": (409, "Later changes prevent the undo; `conflicts` lists objects and fields."),
    "quota": (
        409,
        "The account has reached its quota of bytes for tasks or for `Idempotency-Key`; "
        "`GET …/usage` shows them, and `detail` says what to do.",
    ),
    "too_many": (
        409,
        "One request may not change so many tasks or so much text; `count` is the number of "
        "tasks. Split the request.",
    ),
    "filter_outdated": (
        409,
        "This version no longer accepts the query of the saved filter; `errors` names the "
        "parameters. Change the query.",
    ),
    "uid_taken": (409, "The account has a task with this `uid`, perhaps in the trash."),
    "too_many_tokens": (409, "The account has the maximum number of API tokens; revoke one."),
    "username_taken": (409, USERNAME_TAKEN),
    "cursor_expired": (
        410,
        "The changes after the revision `since` are no longer kept, or the account has no such "
        "revision; `detail` explains how to start over.",
    ),
    "precondition": (
        412,
        "The current version does not satisfy `If-Match` or `If-None-Match`; `etag` and `task`, "
        "`list` or `profile` show the current version, `changed` the fields changed since the one "
        "sent.",
    ),
    "body_too_large": (
        413,
        f"The body is larger than {MAX_BODY} bytes. The HTTP server itself refuses a body of more "
        "than twice as many with this status, but not this JSON.",
    ),
    "unsupported_media_type": (
        415,
        "The body is neither JSON nor a form, or is compressed or not in UTF-8.",
    ),
    "key_reused": (
        422,
        "The `Idempotency-Key` was used for another request; use a new key for each request.",
    ),
    "too_many_requests": (429, "Too many attempts; try again after `Retry-After` seconds."),
    "internal_error": (
        500,
        "An unexpected error in the service; `request_id` finds it in the log.",
    ),
    "busy": (
        503,
        "Too many logins or tests of webhooks at once; try again after `Retry-After` seconds.",
    ),
    "storage_full": (
        503,
        "The disk of the database is full. Nothing was changed; reading still works.",
    ),
    "storage_read_only": (
        503,
        "The database is read-only at the moment. Nothing was changed.",
    ),
    "unavailable": (503, "The database is unavailable; try again after `Retry-After` seconds."),
}

# code of a fault in `errors` -> meaning.
FAULTS: Mapping[str, str] = {
    "bad_unicode": "Contains half of a surrogate pair.",
    "blank": "Empty, or without a visible character.",
    "choice": "Not one of the allowed values.",
    "cursor": "Not a cursor of this list.",
    "date": "Not a valid date.",
    "duplicate": "The parameter, or the item of a list, occurs more than once.",
    "duration": "Not a duration, such as PT15M or P1D.",
    "email": "Not a valid e-mail address.",
    "entity_tag": 'Not a list of entity tags, such as "12".',
    "event": "Not the name of an event.",
    "expires": "In the past, or more than 366 days away.",
    "future": "In the future.",
    "idempotency_key": "Empty, too long, or not in printable ASCII.",
    "ids": "Not a comma-separated list of task ids.",
    "invalid": "Invalid for another reason; `message` explains it.",
    "label": "Contains a comma.",
    "late_start": "After the due date.",
    "lines": "More than one line.",
    "mismatch": "The two passwords differ.",
    "missing": "The field is required.",
    "not_completed": "Only for a task that is completed, or is being completed.",
    "no_due_date": "A reminder before the due date needs one.",
    "no_words": "Contains no word to search for.",
    "nul": "Contains a NUL character.",
    "null": "The field must have a value, not null (in a form, not an empty one).",
    "password_common": "A common password, which attackers try first.",
    "password_personal": "Contains the username or the e-mail address.",
    "password_too_long": "Too many bytes in UTF-8.",
    "password_too_short": "Too few characters.",
    "private_address": "Not a host on the public internet.",
    "range": "Too large or too small.",
    "recurrence": "Not a recurrence rule that the service accepts; `message` explains it.",
    "reminder": "Not one of `at` and `before`.",
    "reserved": "The API reserves this username for its own paths.",
    "taken": USERNAME_TAKEN,
    "timezone": "Not the name of a time zone, such as Europe/Berlin.",
    "too_long": "Too many characters, or too many items in a list.",
    "too_short": "Too few items in a list.",
    "type": "The wrong type of value.",
    "color": "Not a color, such as #3366ff.",
    "depth": "Subtasks would be nested too deeply.",
    "parent": "Not a task that this one can be a subtask of.",
    "place": "Not a place for the object: name one of the objects next to it, or an end.",
    "uid": "Not 1 to 255 printable ASCII characters without spaces.",
    "url": "Not an http or https URL.",
    "unknown": "Nothing with this id exists in the account.",
    "unknown_field": "Not a known field or parameter.",
    "username": "Contains a character that is not allowed in usernames.",
}
