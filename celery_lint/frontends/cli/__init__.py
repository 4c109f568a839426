"""The command ``celery-lint``.

Exit codes: 0 nothing found, 1 diagnostics, 2 wrong usage or an internal error, 130 interrupted.
"""

from __future__ import annotations

import errno
import os
import sys

from celery_lint import __version__

TYPE_CHECKING = False  # as in `typing`, whose import would be most of the time of `--version`
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import TextIO

_INTERRUPTED = 130
_NOT_WRITTEN = (errno.EBADF, errno.ENOSPC, errno.EIO, errno.EDQUOT, errno.EFBIG)
_NOBODY_READS = 141  # what a shell reports for a program that died of SIGPIPE


def command() -> None:
    """The process ``celery-lint``: :func:`main`, without the price of tidying up a heap that ends here.

    Collecting garbage and taking a million objects apart would be a tenth of a cold run.
    """
    import gc

    from celery_lint.import_path import own_path

    gc.disable()
    sys.path = own_path()
    code = main()
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except (OSError, ValueError):
        code = code or _NOBODY_READS
    os._exit(code)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command with these arguments (those of the process if None), and return its exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if sys.stderr is None:
        sys.stderr = _nowhere()
    try:
        if sys.stdout is None:
            raise OSError(errno.EBADF, "it is closed")
        if arguments in (["--version"], ["-V"]):  # imports nothing else
            sys.stdout.write(f"celery-lint {__version__}\n")
            code = 0
        else:
            from celery_lint.frontends.cli.commands import run

            code = run(arguments)
        sys.stdout.flush()
    except KeyboardInterrupt:
        return _INTERRUPTED
    except BrokenPipeError:
        # The interpreter flushes once more at its end, and must not complain then.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _NOBODY_READS
    except Exception as error:
        return _failed(error)
    return code


def _failed(error: Exception) -> int:
    from celery_lint.configuration import ConfigurationError
    from celery_lint.frontends.cli.arguments import UsageError
    from celery_lint.reports.colours import opening, printable

    if isinstance(error, (ConfigurationError, UsageError)):
        sys.stderr.writelines(f"celery-lint: error: {printable(str(line))}\n" for line in error.args)
        return 2
    if isinstance(error, FileNotFoundError) and not _has_working_directory():
        sys.stderr.write("celery-lint: error: the working directory has been removed\n")
        return 2
    if isinstance(error, OSError) and error.errno in _NOT_WRITTEN and error.filename is None:
        sys.stderr.write(f"celery-lint: error: cannot write to standard output: {error.strerror}\n")
        sys.stdout = _nowhere()  # what the old one still holds would fail again at the end
        return 2
    if os.environ.get("CELERY_LINT_DEBUG") == "1":
        import traceback

        sys.stderr.writelines(f"{opening(line)}\n" for line in traceback.format_exc().splitlines())
    message = " ".join(f"{type(error).__name__}: {error}".split())
    sys.stderr.write(f"celery-lint: internal error: {printable(message)} (CELERY_LINT_DEBUG=1 shows where)\n")
    return 2


def _nowhere() -> TextIO:
    return open(os.devnull, "w", encoding="utf-8")


def _has_working_directory() -> bool:
    try:
        os.getcwd()
    except FileNotFoundError:
        return False
    return True
