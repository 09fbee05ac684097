"""The fair share of an account: count a request before it takes a lock, or refuse it.

On SQLite, the lock of a write is for all accounts, so one account could let all others wait.
"""

from pyramid.config import Configurator
from pyramid.httpexceptions import HTTPForbidden

from todo.auth.budgets import READS, WRITTEN, Budgets
from todo.auth.identity import read_identity
from todo.auth.policy import UNAUTHENTICATED, presented_digest
from todo.auth.running import Running
from todo.http.operations import requested_operation
from todo.http.request import SAFE_METHODS, Request
from todo.http.typed_views import read_input_early

LARGE_BODY = 64 * 1024  # bytes; one task needs less
MOST_TOKENS = 10_000  # remembered by a process


class KnownTokens:
    """The accounts of tokens that have been used, by digest."""

    def __init__(self) -> None:
        self._accounts: dict[bytes, int] = {}

    def account_of(self, digest: bytes) -> int | None:
        """Return the account of the token, or None. The token may have ended since."""
        return self._accounts.get(digest)

    def remember(self, digest: bytes, account_id: int) -> None:
        """Remember the account of the token, which never changes."""
        if len(self._accounts) >= MOST_TOKENS:
            self._accounts.clear()
        self._accounts[digest] = account_id

    def forget(self, digest: bytes | None) -> None:
        """Forget a token that has ended: it must not spend the budgets of its account."""
        self._accounts.pop(digest or b"", None)


def take_share(request: Request) -> None:
    """Count the request as one of its account in work, and spend the budget of this minute.

    Raise HTTPForbidden without a valid token, and Problem 429 if the account does too much. Read
    and prepare a large body, because that takes long.
    """
    operation = requested_operation(request)
    has_large_body = (request.content_length or 0) > LARGE_BODY
    heavy = has_large_body or bool(operation and operation.options.get("heavy"))
    account_id = _account_id(request, has_large_body=has_large_body)
    request.claimed_account_id = account_id
    budgets: Budgets = request.registry["budgets"]
    running: Running = request.registry["running"]
    if request.method in SAFE_METHODS:
        budget, amount, maximum = READS, 1, request.settings.limit_reads
    else:
        budget, amount, maximum = (
            WRITTEN,
            request.content_length or 0,
            request.settings.limit_write_bytes,
        )
    budgets.refuse_exceeded(budget, account_id, maximum)
    began = running.begin(account_id, heavy=heavy)
    request.add_finished_callback(lambda _request: running.end(account_id, began, heavy=heavy))
    budgets.spend(budget, account_id, amount)  # not for a request that begin() refuses
    if has_large_body and operation is not None:
        read_input_early(operation, request)


def _account_id(request: Request, *, has_large_body: bool) -> int:
    """Return the account of the request's token. Set the time zone if the identity is read."""
    tokens: KnownTokens = request.registry["known_tokens"]
    digest = presented_digest(request)
    if digest is None:
        raise HTTPForbidden(result=UNAUTHENTICATED)
    known = tokens.account_of(digest)
    if known is not None and not has_large_body:
        return known
    # The identity of a write locks the account.
    reads = request.method in SAFE_METHODS
    identity = request.identity if reads else read_identity(request, digest)
    if identity is None:
        tokens.forget(digest)
        raise HTTPForbidden(result=UNAUTHENTICATED)
    tokens.remember(digest, identity.account.id)
    request.timezone = identity.account.zone
    account_id: int = identity.account.id
    return account_id


def includeme(config: Configurator) -> None:
    config.registry["running"] = Running()
    config.registry["budgets"] = Budgets()
    config.registry["known_tokens"] = KnownTokens()
