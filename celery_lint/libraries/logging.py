"""What the libraries of logs call their loggers."""

from __future__ import annotations

#: Loggers, and modules with the functions of one.
LOGGERS = frozenset(
    {
        "logging",
        "logging.getLogger()",
        "celery.utils.log.get_task_logger()",
        "structlog.get_logger()",
        "loguru.logger",
    }
)
#: The methods that write something down.
LEVELS = frozenset(
    {"critical", "debug", "error", "exception", "info", "log", "success", "trace", "warn", "warning"}
)
#: Those of Python's own library, of which a class may be replaced (``logging.setLoggerClass``).
STANDARD = frozenset({"logging.getLogger()", "celery.utils.log.get_task_logger()"})
#: Methods of these that write whatever the level is that somebody usually sets.
WRITING = frozenset({"critical", "error", "exception", "fatal"})
#: The keywords that they take: any other is a ``TypeError`` (``Logger._log``).
KEYWORDS = frozenset({"exc_info", "extra", "stack_info", "stacklevel"})
