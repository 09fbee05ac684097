"""The largest cost that one request of each operation can have, and its table in docs/limits.md."""

from dataclasses import dataclass

from tests.support.databases import ROOT

PAGE_PATH = ROOT / "docs" / "limits.md"
HEADING = "## The largest requests"

KB, MB = 1000, 1_000_000


@dataclass(frozen=True)
class Cost:
    """The largest request of an operation, and the most that it costs."""

    request: str
    written: int = 0  # rows
    answer: int = 10 * KB  # bytes
    statements: int = 10

    def row(self, operation: str) -> str:
        """Return the row of the table."""
        answer = f"{self.answer / MB:g} MB" if self.answer >= MB else f"{self.answer // KB} KB"
        return f"| {operation} | {self.request} | {self.written} | {answer} | {self.statements} |"


COSTS = {
    "create task": Cost("100 tasks, 1 MiB", written=202, answer=1_100 * KB, statements=106),
    "create task quickly": Cost("a subtask, 1,000 lists", written=6, statements=11),
    "user's tasks": Cost("200 tasks and `count`", answer=13 * MB, statements=3),
    "task detail": Cost("the longest note", answer=70 * KB, statements=2),
    "task counts": Cost("the largest account", statements=2),
    "task update": Cost("5,000 subtasks", written=10_004, answer=140 * KB, statements=2_520),
    "update tasks": Cost("5,000 tasks", written=10_010, statements=2_520),
    "skip task": Cost("5,000 subtasks", written=10_004, answer=70 * KB, statements=18),
    "preview recurrence": Cost("100 dates", written=1, statements=3),
    "undo": Cost("a change of 5,000 tasks", written=15_011, statements=83),
    "delete task": Cost("5,000 subtasks", written=15_006, statements=30),
    "move task": Cost("2,000 siblings without room", written=4_010, statements=12),
    "user's lists": Cost("1,000 lists and `count`", answer=7 * MB, statements=3),
    "create list": Cost("any", written=4),
    "list detail": Cost("any", statements=2),
    "list update": Cost("the longest note", written=4),
    "move list": Cost("1,000 lists without room", written=2_010, statements=12),
    "delete list": Cost("5,000 tasks", written=15_009, statements=32),
    "list history": Cost("200 changes", answer=3 * MB, statements=4),
    "delete tasks": Cost("5,000 tasks", written=15_006, statements=30),
    "trash": Cost("200 tasks", answer=13 * MB, statements=2),
    "restore task": Cost("5,000 subtasks", written=15_007, statements=32),
    "restore tasks": Cost("5,000 tasks", written=15_006, statements=30),
    "purge task": Cost("a task with 3 changes", written=8, statements=14),
    "empty trash": Cost("10,000 tasks with 8 changes each", written=120_040, statements=220),
    "task history": Cost("200 changes, at most 8 MB", answer=9 * MB, statements=4),
    "changes": Cost("200 changes or one request's, at most 8 MB", answer=9 * MB, statements=3),
    "export account": Cost("200 tasks with 12 MB of notes", answer=13 * MB, statements=8),
    "user's labels": Cost("200 labels", answer=90 * KB, statements=2),
    "rename label": Cost("5,000 tasks", written=10_005, statements=20),
    "delete label": Cost("5,000 tasks", written=10_005, statements=18),
    "user's filters": Cost("1,000 of the longest", answer=5 * MB, statements=2),
    "create filter": Cost("the longest", written=4, answer=20 * KB),
    "filter detail": Cost("the longest", statements=2),
    "filter update": Cost("the longest", written=4),
    "delete filter": Cost("any", written=4),
    "filter tasks": Cost("200 tasks and `count`", answer=13 * MB, statements=4),
    "filter history": Cost("200 changes of the longest", answer=2 * MB, statements=4),
    "reminders": Cost("200 tasks with the longest names", answer=400 * KB, statements=2),
    "dismiss reminder": Cost("any", written=4),
    "snooze reminder": Cost("any", written=4),
    "usage": Cost("the sum of all keys", statements=2),
    "whoami": Cost("any", statements=1),
    "single profile detail": Cost("any", statements=1),
    "edit profile": Cost("a new password ends 120 tokens", written=130, statements=20),
    "user's tokens": Cost("120 tokens", answer=40 * KB, statements=2),
    "create token": Cost("any", written=2),
    "token detail": Cost("any", statements=2),
    "revoke token": Cost("any", written=2),
    "revoke tokens": Cost("120 tokens", written=121),
    "user's webhooks": Cost("20 of the longest", answer=60 * KB, statements=2),
    "create webhook": Cost("the longest", written=2),
    "webhook detail": Cost("the longest", statements=2),
    "webhook update": Cost("the longest", written=2),
    "delete webhook": Cost("any", written=2),
    "test webhook": Cost("10 seconds without an answer", written=2),
    "delete profile": Cost("120 tokens; the purge does the rest", written=123),
    "register": Cost("any", written=4),
    "login": Cost("the first from an address", written=15, statements=23),
    "logout": Cost("any", written=1),
    "info": Cost("any", statements=0),
    "description": Cost("any", answer=800 * KB, statements=0),
    "documentation": Cost("any", statements=0),
    "health": Cost("any", statements=0),
    "readiness": Cost("any", statements=1),
}


def costs_page(text: str) -> str:
    """Return the text of docs/limits.md with the table replaced by COSTS."""
    lines = [
        "| operation | largest request | rows written | answer | statements |",
        "| --- | --- | --- | --- | --- |",
        *(cost.row(operation) for operation, cost in COSTS.items()),
    ]
    before, heading, after = text.partition(HEADING)
    introduction = after.partition("\n| ")[0]
    rest = after[after.rindex("|\n") + 2 :] if "|\n" in after else "\n"
    return before + heading + introduction + "\n" + "\n".join([*lines, ""]) + rest


if __name__ == "__main__":
    PAGE_PATH.write_text(costs_page(PAGE_PATH.read_text()))
