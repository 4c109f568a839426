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
