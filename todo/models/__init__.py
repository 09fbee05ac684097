"""The tables, engines and sessions. Nothing here depends on HTTP."""

from todo.models.account import Account
from todo.models.change import Change
from todo.models.filter import Filter
from todo.models.idempotency_key import IdempotencyKey
from todo.models.invitation import Invitation
from todo.models.limit import LimitCount
from todo.models.list import List
from todo.models.meta import Base
from todo.models.released_username import ReleasedUsername
from todo.models.reminder import Reminder
from todo.models.task import Task
from todo.models.token import Token
from todo.models.trash import TrashedTask
from todo.models.webhook import Webhook

__all__ = [
    "Account",
    "Base",
    "Change",
    "Filter",
    "IdempotencyKey",
    "Invitation",
    "LimitCount",
    "List",
    "ReleasedUsername",
    "Reminder",
    "Task",
    "Token",
    "TrashedTask",
    "Webhook",
]
