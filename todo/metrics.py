"""The metrics: what the service counts of itself, for Prometheus (docs/monitoring.md).

The values of each label are from a set that the code or the schema of the database bounds: each
combination is kept in memory for good. Names, URLs and ids are never among them.
"""

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
)

from todo import metrics_folder

metrics_folder.prepare()
disable_created_metrics()  # they double the number of series

REGISTRY = CollectorRegistry()

REQUEST_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
LOCK_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
JOB_BUCKETS = (0.01, 0.1, 1, 10, 60, 600, 3600)

REQUESTS = Counter(
    "todo_requests_total",
    "Requests answered, by the name of the route, the method and the status.",
    ["route", "method", "status"],
    registry=REGISTRY,
)
REQUEST_SECONDS = Histogram(
    "todo_request_seconds",
    "Time from the arrival of a request to its response, including retries.",
    ["route", "method"],
    buckets=REQUEST_BUCKETS,
    registry=REGISTRY,
)
STATEMENT_SECONDS = Histogram(
    "todo_statement_seconds",
    "Time that the database took for an SQL statement, without COMMIT.",
    buckets=REQUEST_BUCKETS,
    registry=REGISTRY,
)
POOL_CONNECTIONS = Gauge(
    "todo_pool_connections",
    "Open connections to the database, by pool, in_use or idle.",
    ["pool", "state"],
    multiprocess_mode="livesum",
    registry=REGISTRY,
)
POOL_TIMEOUTS = Counter(
    "todo_pool_timeouts_total",
    "Attempts to get a connection from a pool that found none free in time.",
    ["pool"],
    registry=REGISTRY,
)
LOCK_WAIT_TIMEOUTS = Counter(
    "todo_lock_wait_timeouts_total",
    "Statements that were ended because they waited too long for a lock.",
    registry=REGISTRY,
)
LOCK_WAIT_SECONDS = Histogram(
    "todo_lock_wait_seconds",
    "Time that a write waited for the row of its account; on SQLite, for all other writes.",
    buckets=LOCK_BUCKETS,
    registry=REGISTRY,
)
RETRIES = Counter(
    "todo_retries_total",
    "Attempts of requests after the first one, because of a conflict or a lost connection.",
    ["reason"],
    registry=REGISTRY,
)
LIMITS = Counter(
    "todo_limits_total",
    "Requests refused with status 429, by the name of the limit.",
    ["limit"],
    registry=REGISTRY,
)
LOGINS = Counter(
    "todo_logins_total",
    "Attempts to log in, by result: success, failure, limited or busy.",
    ["result"],
    registry=REGISTRY,
)
JOB_RUNS = Counter(
    "todo_job_runs_total",
    "Runs of the background jobs, by result: success or failure.",
    ["name", "result"],
    registry=REGISTRY,
)
JOB_SECONDS = Histogram(
    "todo_job_seconds",
    "Duration of the runs of the background jobs.",
    ["name"],
    buckets=JOB_BUCKETS,
    registry=REGISTRY,
)
JOB_LAST_SUCCESS = Gauge(
    "todo_job_last_success_timestamp_seconds",
    "Unix time of the last successful run of the job in any process.",
    ["name"],
    multiprocess_mode="max",
    registry=REGISTRY,
)
TABLE_ROWS = Gauge(
    "todo_table_rows",
    "Rows of each table, estimated every five minutes.",
    ["kind"],
    multiprocess_mode="mostrecent",
    registry=REGISTRY,
)
TABLE_BYTES = Gauge(
    "todo_table_bytes",
    "Size of each table with its indexes (PostgreSQL only), and of the whole database.",
    ["kind"],
    multiprocess_mode="mostrecent",
    registry=REGISTRY,
)
BUILD_INFO = Gauge(
    "todo_build_info",
    "1, with the version of the service, its migration and its kind of database.",
    ["version", "migration", "database"],
    multiprocess_mode="livemax",
    registry=REGISTRY,
)
