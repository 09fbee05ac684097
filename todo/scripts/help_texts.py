"""The help texts of `todo-admin`."""

EXAMPLES = """\
examples:
  todo-admin create alice alice@example.com
  todo-admin -c production.ini tokens alice
  todo-admin create --help

The ini file names the database; the environment variable DATABASE_URL overrides it.
Exit status: 0 success, 1 failure (one line on standard error says why), 2 wrong command line."""

CREATE = """\
The username and the password must meet the same rules as at registration. The command asks for
the password twice. If standard input is not a terminal, its first line is the password.

  todo-admin create alice alice@example.com
  todo-admin create alice alice@example.com < password.txt"""

INVITE = """\
The service must have todo.registration = invite. The link is valid for one registration and for a
week; the database stores only its hash. It opens the page where one registers, with the invitation
filled in; programs send it as the field invitation of a registration.

  todo-admin invite"""

DISABLE = """\
Logins are refused, and all sessions and tokens end. The account keeps its tasks.

  todo-admin disable alice
  todo-admin enable alice"""

ENABLE = """\
The account can log in again. Sessions and tokens that have ended are not restored.

  todo-admin enable alice"""

RESET = """\
The command asks for the new password twice. If standard input is not a terminal, its first line
is the password. All sessions and tokens of the account end, and its failed logins are forgotten.

  todo-admin reset-password alice
  todo-admin reset-password alice < password.txt"""

TOKENS = """\
Sessions come from logins; API tokens have names. Times are in UTC. The secrets cannot be shown,
because the database stores only their hashes.

  todo-admin tokens alice"""

REVOKE = """\
The ids are those that todo-admin tokens lists.

  todo-admin revoke alice 3 7
  todo-admin revoke alice --all"""

USAGE = """\
Lists the megabytes that the tasks (also those in the trash), the journal and the answers to
idempotency keys of each account use, largest first. The quotas are settings: todo.quota_tasks,
todo.quota_journal and todo.quota_keys.

  todo-admin usage
  todo-admin usage | head"""

PURGE = """\
Erases the accounts that were deleted. Deletes expired sessions, tokens, limit counts, idempotency
keys and invitations, sessions that were not used for todo.session_idle_days, usernames that were
released 90 days ago, changes older than todo.journal_days or beyond todo.quota_journal, and tasks
that were in the trash for todo.trash_days, with their history. On SQLite, it also erases the words
of deleted tasks from the index. The service does the same every hour. It may run at the same time.

If the last purge is more than a day ago, the clock may be wrong, and nothing is deleted for a day.
Check the clock; --force deletes anyway.

  todo-admin purge
  todo-admin purge --force"""

JOBS = """\
Runs the jobs of the service without the service, in the foreground: the hourly purge, and the daily
backup if todo.backup_dir is set. They run although todo.jobs is false, which keeps the service from
running them. Any number of processes may run them, also on several machines. On SIGTERM or SIGINT,
running jobs get 25 seconds to end, and the exit status is 0. A second SIGINT ends them at once.
They serve metrics if todo.metrics_listen is set.

  todo-admin jobs
  TODO_BACKUP_DIR=/var/backups/todo todo-admin -c production.ini jobs"""

BACKUP = """\
Writes all rows as of a single moment, while the service runs. The file is a SQLite database,
whichever database the service uses. Store it as safely as the database: it contains password
hashes. An existing file is replaced only with --overwrite. The file - is standard output; a
temporary file is written before it.

  todo-admin backup todo.backup
  todo-admin backup - | ssh backup.example 'cat > todo.backup'
  todo-admin backup --overwrite /mnt/disk/todo.backup"""

RESTORE = """\
The database must be empty and migrated (alembic upgrade head). It may be SQLite or PostgreSQL,
whichever database was backed up. All rows are restored, or none. Sessions and API tokens that have
ended since the backup are valid again; todo-admin revoke ends them. So are invitations that were
used, until they are a week old. The file - is standard input,
which is first written to a temporary file.

  todo-admin restore todo.backup
  ssh backup.example cat todo.backup | todo-admin restore -"""
