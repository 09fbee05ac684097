"""Bad fields of tasks that recur, for test_bad_inputs.py."""

from typing import Any

from tests.support.bad_requests import ALICE, BAD_TIMEZONES, TASK, TASKS, fields, form, values

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
