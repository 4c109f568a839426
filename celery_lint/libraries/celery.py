"""What Celery calls its signatures, canvases and results, by dotted path or last component."""

from __future__ import annotations

#: Ends of the chain from a task to its signature: ``task.s()``.
SIGNATURES = (".s()", ".si()", ".signature()", ".subtask()")
#: Signatures that are made of other signatures.
CANVASES = frozenset(
    f"celery.{module}{name}()" for module in ("", "canvas.") for name in ("chain", "group", "chord")
)
#: What makes a chord.
CHORDS = frozenset({"celery.chord", "celery.canvas.chord"})
#: A signature by the name of its task.
SIGNATURE = frozenset(
    f"celery.{module}{name}()" for module in ("", "canvas.") for name in ("signature", "Signature")
)
#: Methods that send a task or signature.
SENDING = frozenset({"delay", "apply_async"})
#: Results by their class.
RESULTS = frozenset(
    f"celery.result.{name}()" for name in ("AsyncResult", "GroupResult", "ResultSet", "GroupResult.restore")
)
#: The rows that a backend of Django keeps, and what shows results by their ids as Celery reads them.
ROWS_OF_RESULTS = "django_celery_results.models.TaskResult"
SHOWING_RESULTS = ("django_celery_results.urls", "django_celery_results.views", "celery_progress")
#: Methods of result backends that read what is stored, and make an exception of it.
READING_BACKENDS = frozenset(
    {
        "exception_to_python",
        "get_children",
        "get_many",
        "get_result",
        "get_state",
        "get_status",
        "get_task_meta",
        "get_traceback",
        "iter_native",
        "wait_for",
    }
)
#: Where classes of result backends come from.
BACKEND_PACKAGES = ("celery.backends.", "django_celery_results.backends.")
#: The methods by which backends make a result of what is stored, for readers and before they store over it.
TELLING_OF_BACKENDS = frozenset(
    {
        "_get_task_meta_for",
        "decode_result",
        "exception_to_python",
        "get_task_meta",
        "meta_from_decoded",
    }
)
#: The methods by which backends store a state.
STORING_OF_BACKENDS = frozenset({"_store_result", "store_result"})
#: What a result says of its state, and the states in which there is nothing to wait for.
TELLING = frozenset({"state", "status", "ready", "successful", "failed"})
FINAL_STATES = ("SUCCESS", "FAILURE", "REVOKED")
#: Options of the worker's command that settings are taken for: no setting says the same.
OPTIONS_OF_WORKERS = frozenset({"autoscale"})
#: The class of all tasks, which knows nothing of Django.
PLAIN_TASKS = frozenset({"celery.Task", "celery.app.task.Task"})
#: The bases of classes of tasks.
TASK_CLASSES = PLAIN_TASKS | {"celery.Celery().Task"}
#: The body of the task that a method of its class calls.
TASK_BODIES = frozenset(f"{task}().run" for task in PLAIN_TASKS)
#: The signals that a process of a worker gets once, before its first task.
PROCESS_STARTS = tuple(f"celery.signals.worker_{name}" for name in ("process_init", "init"))
#: What gives the task that runs.
CURRENT_TASKS = frozenset({"celery.current_task", "celery._state.current_task", "celery.app.current_task"})
#: Schemes of result backends that make a key of each id, and so refuse to store anything without one.
KEYED_BACKENDS = frozenset({"redis", "rediss", "sentinel", "cache", "django-cache", "file"})
#: Schemes of result backends that store a state without a look at the exception of the one before.
OVERWRITING_BACKENDS = frozenset({"cassandra", "database", "db", "django-db", "mongodb"})
#: Schemes of result backends that serialise each result. The cache of Django keeps the object as it is.
ENCODING_BACKENDS = frozenset(
    {
        "arangodb",
        "azureblockblob",
        "cache",
        "cassandra",
        "consul",
        "cosmosdbsql",
        "couchbase",
        "couchdb",
        "database",
        "db",
        "django-db",
        "dynamodb",
        "elasticsearch",
        "file",
        "gs",
        "mongodb",
        "redis",
        "rediss",
        "riak",
        "rpc",
        "s3",
        "sentinel",
    }
)
#: Schemes of result backends whose chords look for the result of each task of the header.
COUNTING_RESULTS = frozenset({"db", "database", "file", "sqla"})
#: Options of tasks and of calls that end a run.
TIME_LIMITS = ("time_limit", "soft_time_limit")
#: Methods of task classes that Celery calls around a run.
HOOKS = ("before_start", "on_success", "on_failure", "on_retry", "after_return")
#: What projects write where they mean an option of a task. Celery keeps all of these and looks at none.
MISTAKEN_OPTIONS = {
    "ack_late": "acks_late",
    "auto_retry": "autoretry_for",
    "auto_retry_for": "autoretry_for",
    "autoretry": "autoretry_for",
    "hard_time_limit": "time_limit",
    "ignore_results": "ignore_result",
    "ignoreresult": "ignore_result",
    "interval_max": "",
    "interval_start": "",
    "interval_step": "",
    "late_acks": "acks_late",
    "max_retry": "max_retries",
    "rate_limits": "rate_limit",
    "retries": "max_retries",
    "retry_countdown": "default_retry_delay",
    "retry_delay": "default_retry_delay",
    "soft_timelimit": "soft_time_limit",
    "softtime_limit": "soft_time_limit",
    "task_acks_late": "acks_late",
    "task_acks_on_failure_or_timeout": "acks_on_failure_or_timeout",
    "task_ignore_result": "ignore_result",
    "task_rate_limit": "rate_limit",
    "task_reject_on_worker_lost": "reject_on_worker_lost",
    "task_soft_time_limit": "soft_time_limit",
    "task_time_limit": "time_limit",
    "task_track_started": "track_started",
}
#: What Celery looks at in a task, by the keyword of its decorator.
#: https://docs.celeryq.dev/en/stable/userguide/tasks.html#list-of-options
TASK_OPTIONS = frozenset(
    {
        "acks_late",
        "acks_on_failure",
        "acks_on_failure_or_timeout",
        "acks_on_timeout",
        "autoretry_for",
        "backend",
        "default_retry_delay",
        "dont_autoretry_for",
        "expires",
        "ignore_result",
        "max_retries",
        "priority",
        "pydantic",
        "pydantic_context",
        "pydantic_dump_kwargs",
        "pydantic_strict",
        "rate_limit",
        "reject_on_worker_lost",
        "resultrepr_maxsize",
        "retry_backoff",
        "retry_backoff_max",
        "retry_jitter",
        "retry_kwargs",
        "retry_on_worker_lost",
        "send_events",
        "serializer",
        "shadow_name",
        "soft_time_limit",
        "store_errors_even_if_ignored",
        "throws",
        "time_limit",
        "track_started",
    }
)
#: Methods of a task that no option can be called without hiding them.
#: https://docs.celeryq.dev/en/stable/reference/celery.app.task.html
METHODS_OF_TASKS = frozenset(
    {
        "add_to_chord", "after_return", "apply", "apply_async", "AsyncResult", "before_start", "chunks",
        "delay", "map", "on_failure", "on_retry", "on_success", "replace", "retry", "run", "s", "send_event",
        "si", "signature", "starmap", "subtask", "update_state",
    }
)  # fmt: skip
#: What a task has, by the classes of Celery 3 to 5: asked for anything else it raises AttributeError.
ATTRIBUTES_OF_TASKS = frozenset(
    {
        "abstract", "accept_magic_kwargs", "acks_late", "acks_on_failure", "acks_on_failure_or_timeout",
        "acks_on_timeout", "add_around", "add_to_chord", "add_trail", "after_return", "annotate", "app",
        "apply", "apply_async", "AsyncResult", "autoretry_for", "backend", "before_start", "bind", "chunks",
        "default_retry_delay", "delay", "delivery_mode", "disable_error_emails", "dont_autoretry_for",
        "error_whitelist", "ErrorMail", "establish_connection", "exchange", "exchange_type", "execute",
        "expires", "from_config", "fun", "get_consumer", "get_logger", "get_publisher", "ignore_result",
        "immediate", "is_due", "mandatory", "map", "max_retries", "MaxRetriesExceededError", "name",
        "on_bound", "on_failure", "on_replace", "on_retry", "on_success", "OperationalError", "pop_request",
        "priority", "push_request", "queue", "rate_limit", "reject_on_worker_lost", "relative",
        "remaining_estimate", "replace", "Request", "request", "request_stack", "resultrepr_maxsize",
        "retry", "retry_backoff", "retry_backoff_max", "retry_jitter", "retry_kwargs",
        "retry_on_worker_lost", "routing_key", "run", "run_every", "s", "schedule", "send_error_emails",
        "send_event", "send_events", "serializer", "shadow_name", "si", "signature",
        "signature_from_request", "soft_time_limit", "starmap", "start_strategy", "store_eager_result",
        "store_errors_even_if_ignored", "Strategy", "subtask", "subtask_from_request", "throws",
        "time_limit", "track_started", "trail", "type", "typing", "update_state",
    }
)  # fmt: skip
#: Options of a task, and where an application says what holds for tasks that do not give them.
SETTING_OF_OPTION = {
    "acks_late": "task_acks_late",
    "ignore_result": "task_ignore_result",
    "rate_limit": "task_default_rate_limit",
    "reject_on_worker_lost": "task_reject_on_worker_lost",
    "serializer": "task_serializer",
    "soft_time_limit": "task_soft_time_limit",
    "time_limit": "task_time_limit",
    "track_started": "task_track_started",
}
#: The schedulers that Celery itself has, in all versions of it: other packages have the rest.
SCHEDULERS = frozenset({"celery.beat.PersistentScheduler", "celery.beat.Scheduler"})
#: The scheduler of redbeat, and that of django-celery-beat, which has a name for commands besides.
REDBEAT_SCHEDULERS = frozenset({"redbeat.RedBeatScheduler", "redbeat.schedulers.RedBeatScheduler"})
DATABASE_SCHEDULERS = frozenset({"django", "django_celery_beat.schedulers.DatabaseScheduler"})
#: A crontab by its class, by its text, and as a row of django-celery-beat.
CRONTAB = "celery.schedules.crontab"
CRONTAB_FROM_STRING = "celery.schedules.crontab.from_string"
CRONTAB_ROWS = frozenset(
    f"django_celery_beat.models.CrontabSchedule.objects.{method}"
    for method in ("create", "get_or_create", "update_or_create")
)
#: An entry of a schedule as a row of django-celery-beat, and how its call ends.
PERIODIC_TASK_MANAGER = "PeriodicTask.objects."
PERIODIC_TASK_ROWS = frozenset(
    f"django_celery_beat.models.{PERIODIC_TASK_MANAGER}{method}"
    for method in ("create", "get_or_create", "update_or_create")
)
#: A row that is made without its manager, and what makes an entry of redbeat's schedule, with its parameters.
PERIODIC_TASK = "django_celery_beat.models.PeriodicTask"
REDBEAT_ENTRIES = frozenset({"redbeat.RedBeatSchedulerEntry", "redbeat.schedulers.RedBeatSchedulerEntry"})
REDBEAT_PARAMETERS = ("name", "task", "schedule", "args", "kwargs", "enabled", "options")
#: The settings that list modules which a worker imports.
IMPORT_LISTS = ("include", "imports")
#: What is taken for settings and is none: the option of tasks that does it, and its default in Python.
OPTIONS_OF_TASKS = {
    "task_default_max_retries": ("max_retries", "3"),
    "task_max_retries": ("max_retries", "3"),
    "task_default_retry_delay": ("default_retry_delay", "180"),
    "task_retry_delay": ("default_retry_delay", "180"),
    "task_autoretry_for": ("autoretry_for", ""),
    "task_retry_backoff": ("retry_backoff", "False"),
    "task_retry_backoff_max": ("retry_backoff_max", "600"),
    "task_retry_jitter": ("retry_jitter", "True"),
    "task_retry_kwargs": ("retry_kwargs", ""),
}
#: What the constructor of an application takes and no configuration: the setting that means the same or
#: nothing, and the default as Python writes it. ``log`` and ``events`` may be settings of somebody else.
ARGUMENTS_OF_APPLICATIONS = {
    "amqp": ("", "None"),
    "autofinalize": ("", "True"),
    "backend": ("result_backend", "None"),
    "broker": ("broker_url", "None"),
    "control": ("", "None"),
    "fixups": ("", "None"),
    "loader": ("", "None"),
    "set_as_current": ("", "True"),
    "strict_typing": ("", "True"),
    "task_cls": ("", "'celery.app.task:Task'"),
}
#: Makes a task for whatever application there is.
SHARED_TASK = "celery.shared_task"
#: Where an application without a broker looks for its address, and how the addresses begin that it has else.
BROKER_VARIABLE = "CELERY_BROKER_URL"
LOCAL_BROKERS = ("amqp://guest", "amqp://localhost", "pyamqp://guest", "pyamqp://localhost")
#: What an entry of a schedule may hold.
ENTRY_FIELDS = (
    "task", "schedule", "args", "kwargs", "options", "relative",
    "name", "app", "last_run_at", "total_run_count",
)  # fmt: skip
#: What a row of django-celery-beat has besides, and what it takes from `options` alone.
DATABASE_FIELDS = frozenset(
    {
        "clocked", "clocked_id", "crontab", "crontab_id", "date_changed", "description", "enabled",
        "expire_seconds", "expires", "id", "interval", "interval_id", "one_off", "pk", "solar", "solar_id",
        "start_time",
    }
)  # fmt: skip
DATABASE_OPTIONS = frozenset({"exchange", "headers", "priority", "queue", "routing_key"})
#: Packages with schedulers of their own, whose entries may hold more.
OTHER_SCHEDULERS = (
    "django_celery_beat",
    "redbeat",
    "sqlalchemy_celery_beat",
    "celery_sqlalchemy_scheduler",
    "celerybeatmongo",
)

#: Packages that run things at their time, as beat does, by the names that are imported.
CLOCKS = frozenset(
    {
        "aiocron",
        "apscheduler",
        "django_apscheduler",
        "django_cron",
        "django_q",
        "fastapi_utils",
        "flask_apscheduler",
        "rocketry",
        "rq_scheduler",
        "schedule",
    }
)

#: The sub-commands of the program `celery`, with those that its extensions add.
COMMANDS = frozenset(
    {
        "amqp", "beat", "call", "control", "events", "flower", "graph", "inspect", "list", "logtool",
        "migrate", "multi", "purge", "report", "result", "shell", "status", "upgrade", "worker",
    }
)  # fmt: skip
