"""`todo-admin`: account and data administration from the command line."""

import signal
import sys
from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections.abc import Callable, Iterator
from configparser import Error as IniError
from contextlib import contextmanager
from getpass import getpass
from pathlib import Path
from shutil import copyfileobj
from tempfile import TemporaryDirectory
from typing import Any, TextIO

from pyramid.paster import get_appsettings, setup_logging
from sqlalchemy import Row, delete, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from todo import settings
from todo.auth.logins import forget_failures
from todo.auth.passwords import hash_password
from todo.auth.sessions import find_account
from todo.http.audit import audit_command
from todo.http.errors import Problem, validation_problem
from todo.http.logs import use_format
from todo.http.schema import Input
from todo.http.typed_views import validate
from todo.jobs.purge import purge_expired
from todo.jobs.schedule import describe_pause, take_turn
from todo.journal import writes
from todo.models import Account, Token
from todo.models.account import ACCOUNTS
from todo.models.engine import create_engine
from todo.models.migration import check_migrated
from todo.schemas.account import AccountChange, Registration
from todo.scripts import help_texts
from todo.scripts.jobs import run_jobs
from todo.scripts.output import describe_counted, describe_ended, minute, printable, table
from todo.services import accounts
from todo.services.backup import restore_backup, write_backup
from todo.services.invitations import create_invitation
from todo.services.usage import usage_of_accounts

_USED = ("tasks", "journal", "keys")


def main(argv: list[str] | None = None) -> None:
    """Run one command. Raise SystemExit with a one-line message if it fails."""
    arguments = _parser().parse_args(argv)
    if sys.stdout is None:  # closed by the shell, as by >&-
        raise SystemExit("todo: standard output is closed")
    try:
        sys.stdout.write(_run(arguments))
    except Problem as problem:
        raise SystemExit(f"todo: {problem.detail}") from None
    except DBAPIError as error:
        reason = str(error.orig).strip().partition("\n")[0]
        raise SystemExit(f"todo: database error: {reason}; try again") from None
    except (EOFError, KeyboardInterrupt):
        raise SystemExit("todo: stopped") from None


def _parser() -> ArgumentParser:
    parser = ArgumentParser(
        "todo-admin",
        description="Manage the accounts and data of the service.",
        epilog=help_texts.EXAMPLES,
        formatter_class=RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "-c",
        "--config",
        default="development.ini",
        metavar="INI",
        help="ini file of the service (default: %(default)s)",
    )
    commands = parser.add_subparsers(metavar="COMMAND", required=True)

    def add(name: str, run: Any, summary: str, epilog: str, *names: str) -> ArgumentParser:
        command: ArgumentParser = commands.add_parser(
            name,
            help=summary,
            description=f"{summary[0].upper()}{summary[1:]}.",
            epilog=epilog,
            formatter_class=RawDescriptionHelpFormatter,
        )
        for argument in names:
            command.add_argument(argument, metavar=argument.upper())
        command.set_defaults(run=run)
        return command

    _add_account_commands(add)
    _add_data_commands(add)
    return parser


def _add_account_commands(add: Callable[..., ArgumentParser]) -> None:
    add("create", _create, "create an account", help_texts.CREATE, "username", "email")
    add("invite", _invite, "print a link with which somebody can register", help_texts.INVITE)
    add(
        "disable",
        _disable,
        "disable an account and end its sessions and tokens",
        help_texts.DISABLE,
        "username",
    )
    add("enable", _enable, "enable a disabled account", help_texts.ENABLE, "username")
    add(
        "reset-password",
        _reset_password,
        "set a new password for an account",
        help_texts.RESET,
        "username",
    )
    add(
        "tokens",
        _tokens,
        "list the sessions and API tokens of an account",
        help_texts.TOKENS,
        "username",
    )
    revoke = add("revoke", _revoke, "revoke sessions and API tokens", help_texts.REVOKE, "username")
    tokens = revoke.add_mutually_exclusive_group(required=True)
    tokens.add_argument(
        "ids", metavar="ID", nargs="*", type=int, default=[], help="id of a session or API token"
    )
    tokens.add_argument(
        "--all", action="store_true", help="all sessions and API tokens of the account"
    )


def _add_data_commands(add: Callable[..., ArgumentParser]) -> None:
    add("usage", _usage, "list how much each account stores", help_texts.USAGE)
    purge = add("purge", _purge, "delete expired rows", help_texts.PURGE)
    purge.add_argument(
        "--force", action="store_true", help="delete them although the clock may be wrong"
    )
    add("jobs", run_jobs, "run the background jobs until stopped", help_texts.JOBS)
    backup = add(
        "backup", _backup, "write a backup of all data to a file", help_texts.BACKUP, "file"
    )
    backup.add_argument("--overwrite", action="store_true", help="replace FILE if it exists")
    add("restore", _restore, "restore a backup into an empty database", help_texts.RESTORE, "file")


def _run(arguments: Namespace) -> str:
    """Run the command in a transaction, and return its output."""
    ini = arguments.config
    arguments.settings = settings.read(_read_ini(ini))
    _set_up_logging(ini, arguments.settings.log_format)
    engine = create_engine(arguments.settings.database_url, pooled=arguments.settings.is_pooled)
    try:
        check_migrated(engine, ini, accept_newer=arguments.run is run_jobs)
        with Session(engine, expire_on_commit=False) as session:
            output: str = arguments.run(session, arguments)
            session.commit()
            return output
    finally:
        engine.dispose()


def _read_ini(ini: str) -> dict[str, str]:
    try:
        return get_appsettings(ini)
    except FileNotFoundError:
        reason = "no such file"
    except (OSError, LookupError, ValueError, IniError):
        # Not the error's message: it may quote a line with a password.
        reason = "it needs a section [app:main], and each % must be written as %%"
    if "%" in str(Path(ini).absolute()):
        reason = "its path has a %, which PasteDeploy cannot read"
    raise SystemExit(f"todo: cannot read {ini}: {reason}; name the service's ini file with -c")


def _set_up_logging(ini: str, log_format: str) -> None:
    try:
        setup_logging(ini)
    except OSError as error:
        raise SystemExit(
            f"todo: cannot open the log file {error.filename} of {ini}: {error.strerror}; "
            "run todo-admin as the user of the service"
        ) from None
    use_format(log_format)


def _create(session: Session, arguments: Namespace) -> str:
    profile = {"username": arguments.username, "email": arguments.email}
    values = _validated(Registration, profile | _ask_password())
    account = accounts.create_account(session, values)
    audit_command(session, "account.registered", account=account.id)
    return f"{account.username} is registered.\n"


def _invite(session: Session, arguments: Namespace) -> str:
    if arguments.settings.registration != "invite":
        raise SystemExit(
            f"todo: todo.registration is {arguments.settings.registration}, so an invitation would "
            "have no effect; set it to invite"
        )
    url = arguments.settings.public_url
    if not url:
        raise SystemExit("todo: set todo.public_url, with which the link begins")
    secret = create_invitation(session)
    audit_command(session, "invitation.created")
    return f"{url}/#/register/{secret}\n"


def _disable(session: Session, arguments: Namespace) -> str:
    account = _account(session, arguments.username)
    accounts.set_disabled(session, account.id, disabled=True)
    audit_command(session, "account.disabled", account=account.id)
    ended = accounts.end_tokens(session, account.id)
    return f"{account.username} is disabled; {describe_ended(ended)}.\n"


def _enable(session: Session, arguments: Namespace) -> str:
    account = _account(session, arguments.username)
    accounts.set_disabled(session, account.id, disabled=False)
    audit_command(session, "account.enabled", account=account.id)
    return f"{account.username} is enabled.\n"


def _reset_password(session: Session, arguments: Namespace) -> str:
    known = _account(session, arguments.username)
    session.close()  # release the locks while the operator types
    password = _validated(AccountChange, _ask_password())["password"]
    accounts.refuse_personal(password, known, {})
    password_hash = hash_password(password)
    account = _account(session, arguments.username)
    columns = {"password_hash": password_hash}
    writes.change(session, Account, account.id, [(account._asdict(), columns)])
    ended = accounts.end_tokens(session, account.id)
    forget_failures(session, account.id, account.username_lower)
    audit_command(session, "password.changed", account=account.id)
    return f"{account.username} has a new password; {describe_ended(ended)}.\n"


def _tokens(session: Session, arguments: Namespace) -> str:
    account = _account(session, arguments.username)
    tokens = session.scalars(
        select(Token).where(Token.account_id == account.id).order_by(Token.id)
    ).all()
    if not tokens:
        return f"{account.username} has no sessions or tokens.\n"
    header = ("ID", "KIND", "NAME", "SCOPE", "CREATED", "LAST USED", "EXPIRES", "CLIENT")
    rows = [
        (
            str(token.id),
            token.kind,
            printable(token.name),
            token.scope,
            minute(token.creation_date),
            minute(token.last_used_date),
            minute(token.expiration_date),
            printable(token.client),
        )
        for token in tokens
    ]
    return table([header, *rows])


def _usage(session: Session, _arguments: Namespace) -> str:
    rows = [
        (row.username, *(f"{row._mapping[name] / 1_000_000:.1f}" for name in _USED))
        for row in usage_of_accounts(session)
    ]
    return table([("USERNAME", "TASKS (MB)", "JOURNAL (MB)", "KEYS (MB)"), *rows])


def _revoke(session: Session, arguments: Namespace) -> str:
    account = _account(session, arguments.username)
    if arguments.all:
        ended = accounts.end_tokens(session, account.id)
        audit_command(session, "token.revoked", account=account.id, target="all")
        return f"{account.username}: {describe_ended(ended)}.\n"
    ids = set(arguments.ids)
    known = set(session.scalars(select(Token.id).where(Token.account_id == account.id)))
    if unknown := ", ".join(map(str, sorted(ids - known))):
        raise SystemExit(
            f"todo: {account.username} has no session or token {unknown}, so nothing was revoked; "
            f"todo-admin tokens {account.username} lists them"
        )
    session.execute(delete(Token).where(Token.account_id == account.id, Token.id.in_(ids)))
    for token_id in sorted(ids):
        audit_command(session, "token.revoked", account=account.id, target=token_id)
    return f"{account.username}: {describe_ended(len(ids))}.\n"


def _purge(session: Session, arguments: Namespace) -> str:
    turn = take_turn(session, force=arguments.force)
    session.commit()
    if turn.paused_until is not None:
        raise SystemExit(f"todo: {describe_pause(turn.paused_until)}")
    deleted = purge_expired(session, arguments.settings)
    return "".join(f"{name}: {count} deleted\n" for name, count in deleted.items())


def _backup(session: Session, arguments: Namespace) -> str:
    with _interrupted_by_signals():
        if arguments.file == "-":
            _write_to_standard_output(session)
            return ""
        rows = write_backup(session, Path(arguments.file), overwrite=arguments.overwrite)
    return f"{printable(arguments.file)} is written: {describe_counted(rows)}.\n"


def _write_to_standard_output(session: Session) -> None:
    _refuse_terminal(sys.stdout, "standard output", "backup - > todo.backup")
    with TemporaryDirectory(prefix="todo-backup-") as folder:
        path = Path(folder, "standard-output")
        write_backup(session, path, overwrite=False)
        session.rollback()  # end the snapshot: the reader may be slow
        try:
            with path.open("rb") as source, open(sys.stdout.fileno(), "wb", closefd=False) as out:
                copyfileobj(source, out)
        except OSError as error:
            raise SystemExit(
                f"todo: cannot write the backup to standard output: {error.strerror}"
            ) from None


@contextmanager
def _readable(name: str) -> Iterator[Path]:
    """Yield the path of the file; for "-", of a temporary copy of standard input."""
    if name != "-":
        yield Path(name)
        return
    _refuse_terminal(sys.stdin, "standard input", "restore - < todo.backup")
    with TemporaryDirectory(prefix="todo-restore-") as folder:
        path = Path(folder, "standard-input")
        try:
            with path.open("wb") as copy:
                copyfileobj(sys.stdin.buffer, copy)
        except OSError as error:
            raise SystemExit(f"todo: cannot copy standard input: {error.strerror}") from None
        yield path


def _refuse_terminal(stream: TextIO | None, name: str, example: str) -> None:
    if stream is None:  # closed by the shell, as by <&-
        raise SystemExit(f"todo: {name} is closed; redirect it: todo-admin {example}")
    if stream.isatty():
        raise SystemExit(f"todo: {name} is a terminal; redirect it: todo-admin {example}")


@contextmanager
def _interrupted_by_signals() -> Iterator[None]:
    """Turn SIGTERM and SIGHUP into KeyboardInterrupt, so that unfinished files are removed."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
    for number in before:
        signal.signal(number, signal.default_int_handler)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _restore(session: Session, arguments: Namespace) -> str:
    with _interrupted_by_signals(), _readable(arguments.file) as path:
        name = "standard input" if arguments.file == "-" else ""
        rows = restore_backup(session, path, name)
    return f"{name or printable(arguments.file)} is restored: {describe_counted(rows)}.\n"


def _account(session: Session, username: str) -> Row[Any]:
    account = find_account(session, username)
    if account is not None:
        # Lock the account, so that no concurrent login survives this command.
        open_account = (ACCOUNTS.c.id == account.id, ACCOUNTS.c.closed_date.is_(None))
        locked = select(*ACCOUNTS.c).where(*open_account).with_for_update()
        account = session.execute(locked).one_or_none()
    if account is None:
        raise SystemExit(f"todo: there is no account {username!a}; check the username")
    return account


def _ask_password() -> dict[str, str]:
    """Ask for the password, in a terminal twice, and return the fields."""
    try:
        if sys.stdin.isatty():
            return {
                "password": getpass("Password: "),
                "password2": getpass("Repeat the password: "),
            }
        return {"password": sys.stdin.readline().rstrip("\r\n")}
    except UnicodeDecodeError:
        raise SystemExit("todo: the password is not valid UTF-8") from None


def _validated(model: type[Input], fields: dict[str, Any]) -> dict[str, Any]:
    """Validate the fields like the API does. Raise Problem 400 if they are invalid."""
    validated, faults = validate(model, fields, strict=True)
    if faults:
        raise validation_problem(faults)
    values: dict[str, Any] = validated.values()
    return values
