"""Register, show, change, export and delete accounts."""

from functools import partial
from typing import IO, Any

from pyramid.response import FileIter
from pyramid.security import NO_PERMISSION_REQUIRED, forget
from pyramid.view import view_config, view_defaults

from todo.auth import limits
from todo.auth.budgets import EXPORTS, Budgets
from todo.auth.identity import AccountRow
from todo.auth.passwords import turn
from todo.auth.permissions import Permission
from todo.auth.sessions import end_session, hash_new_password, reauthenticate, start_session
from todo.http.audit import audit
from todo.http.errors import Problem
from todo.http.preconditions import entity_tag, is_not_modified
from todo.http.renderers import Response
from todo.http.request import Request
from todo.http.transactions import end_transaction
from todo.resources import AccountContext, ProfileContext
from todo.schemas import account as schemas
from todo.services import accounts
from todo.services.export import OpenExports, write_export
from todo.services.invitations import create_invited_account

AUDITED = ("username", "email", "timezone")  # fields whose changes the audit log names


@view_config(
    route_name="accounts",
    request_method="POST",
    permission=NO_PERMISSION_REQUIRED,
    operation="register",
    session=True,
    body=schemas.Registration,
    returns={201: schemas.Registered},
    errors=(
        "registration_closed",
        "invitation_required",
        "username_taken",
        "too_many_requests",
        "busy",
    ),
    headers=("ETag",),
)
def post(request: Request) -> dict[str, Any]:
    """Register an account and log in.

    The answer has the token of a new session, and browsers also get it as a cookie; with
    `session: cookie`, only as a cookie. A username that another account released less than 90 days
    ago is refused like one in use. If the administrator has closed registration, the answer is 403
    `registration_closed`; if it needs an `invitation`, 403 `invitation_required` without a valid
    one. An invitation is valid once and for a week.
    """
    mode, values = request.settings.registration, request.validated_body.values()
    if mode == "closed":
        raise Problem(
            "registration_closed",
            "This service accepts no registrations. Ask its administrator for an account.",
        )
    with turn(limits.address(request)):
        _count_registration(request)
        if mode == "invite":
            account = create_invited_account(request.db, values, partial(end_transaction, request))
        else:
            account = accounts.create_account(request.db, values)
    request.account_id = account.id
    end_session(request, request.db)
    session = start_session(request, account.id, values["session"])
    audit(request, "account.registered", invited=mode == "invite")
    request.response.location = request.route_path("account", username=account.username)
    request.response.headers["ETag"] = entity_tag(account.profile_revision)
    return {
        "msg": "Profile created",
        "username": account.username,
        "profile": schemas.Account.of(account),
        **session,
    }


@view_defaults(route_name="account")
class AccountViews:
    """The profile of an account."""

    def __init__(self, context: ProfileContext, request: Request) -> None:
        self.account = context.account
        self.request = request

    @view_config(
        request_method="GET",
        permission=Permission.READ,
        operation="single profile detail",
        returns=schemas.Account,
        headers=("ETag",),
    )
    def get(self) -> dict[str, Any] | Response:
        """Show the profile.

        `PUT` accepts the answer as it is.
        """
        if is_not_modified(self.request, self.account.profile_revision):
            return self.request.response
        return schemas.Account.of(self.account)

    @view_config(
        request_method=("PUT", "PATCH"),
        permission=Permission.MANAGE,
        operation="edit profile",
        idempotency_key=True,
        body=schemas.AccountChange,
        returns=schemas.AccountChanged,
        errors=("username_taken", "reauthentication_required", "busy"),
        headers=("ETag",),
    )
    def put(self) -> dict[str, Any]:
        """Change the username, e-mail address, password or time zone.

        Fields that are not mentioned keep their values. Every change except that of the time zone
        requires `current_password`, unless the login is less than ten minutes old. A new time zone
        does not change the dates of tasks.

        A new password ends all sessions and API tokens; the answer has the token of a new session,
        with `session: cookie` only in the cookie.
        Requests with a new password ignore the `Idempotency-Key`.
        """
        values = self.request.validated_body.values()
        current_password = values.pop("current_password", None)
        values.pop("password2", None)
        account, session = _change(self.request, values, current_password)
        self.request.response.headers["ETag"] = entity_tag(account.profile_revision)
        return {
            "msg": "Profile updated.",
            "username": account.username,
            "profile": schemas.Account.of(account),
            **session,
        }

    @view_config(
        request_method="DELETE",
        permission=Permission.MANAGE,
        operation="delete profile",
        body=schemas.AccountDeletion,
        returns={204: None},
        errors=("reauthentication_required", "busy"),
    )
    def delete(self) -> None:
        """Delete the account.

        From then on, nothing of it can be reached. Its data is erased within the next hour, unless
        it is much. Requires `current_password`, unless the login is less than ten minutes old.
        """
        reauthenticate(self.request, self.request.validated_body.values().get("current_password"))
        accounts.close_account(
            self.request.db, self.request.identity, compared=_has_if_match(self.request)
        )
        audit(self.request, "account.closed")
        self.request.response.headers.extend(forget(self.request))


def _change(
    request: Request, values: dict[str, Any], current_password: str | None
) -> tuple[AccountRow, dict[str, Any]]:
    """Change the account. Return it and, after a password change, the new session's members.

    Verify the current password, count a new username and hash a new password before locking the
    account, because hashing is slow.
    """
    known, session = request.identity.account, request.db
    password, carrier = values.pop("password", None), values.pop("session")
    if password or accounts.sensitive_changes(known, values):
        reauthenticate(request, current_password)
    if accounts.renames(known, values):
        end_transaction(request)
        _count_registration(request)  # like a registration, it probes and occupies a username
    if password:
        accounts.refuse_personal(password, known, values)
        values = values | {"password_hash": hash_new_password(request, password)}
    account = accounts.change_account(
        session, request.identity, values, compared=_has_if_match(request)
    )
    changed = [name for name in AUDITED if getattr(account, name) != getattr(known, name)]
    if changed:
        audit(request, "account.changed", fields=changed)
    if not password:
        return account, {}
    audit(request, "password.changed")
    accounts.end_tokens(session, account.id)
    return account, start_session(request, account.id, carrier)


def _count_registration(request: Request) -> None:
    counted = [(limits.REGISTRATIONS, limits.address(request))]
    limits.count_attempt(request.registry["engine"], request.settings, counted)


def _has_if_match(request: Request) -> bool:
    return "If-Match" in request.headers


@view_config(
    route_name="export",
    request_method="GET",
    permission=Permission.READ,
    operation="export account",
    heavy=True,
    returns=schemas.AccountExport,
    errors=("conflict",),
    headers=("Content-Disposition",),
)
def export(context: AccountContext, request: Request) -> Response:
    """Export the profile, lists, filters, tasks, reminders, trash and webhooks as one document.

    The password, sessions, API tokens, the secrets of webhooks and the history of changes are not
    included. An API token gets no webhooks. The next export can begin when the client has read this
    one.
    """
    file = _write_export(context.account, request)
    audit(request, "account.exported")
    size = file.tell()
    file.seek(0)
    response = request.response
    response.content_type = "application/json"
    username = context.account.username  # ASCII, without quotes
    response.content_disposition = f'attachment; filename="todo-{username}.json"'
    # Let the server send the file, so that a slow reader does not block a thread.
    response.app_iter = request.environ.get("wsgi.file_wrapper", FileIter)(file)
    response.content_length = size
    return response


def _write_export(account: AccountRow, request: Request) -> IO[bytes]:
    """Write an export of the account. Raise Problem 429 if it has too many."""
    budgets: Budgets = request.registry["budgets"]
    open_exports: OpenExports = request.registry.setdefault("open_exports", OpenExports())
    open_exports.refuse_second(account.id)
    budgets.refuse_exceeded(EXPORTS, account.id, request.settings.limit_exports)
    file = write_export(
        request.db,
        account,
        request.settings.trash_retention,
        with_webhooks=request.identity.may(Permission.MANAGE),
    )
    budgets.spend(EXPORTS, account.id, 1)
    open_exports.add(account.id, file)
    return file
