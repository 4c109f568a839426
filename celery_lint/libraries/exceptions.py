"""Which exceptions of well-known packages are kinds of which others, and which of them calls often raise."""

from __future__ import annotations

import builtins

# The modules that offer the exceptions of a package, the longest first.
_MODULES = (
    "requests.exceptions.",
    "requests.",
    "httpx.",
    "redis.exceptions.",
    "redis.",
)
# The exceptions that a package derives from its root, by the root.
_ROOTS = {
    "requests.RequestException": ("ConnectionError", "Timeout", "ConnectTimeout", "ReadTimeout"),
    "httpx.HTTPError": ("ConnectError", "ConnectTimeout", "ReadTimeout", "HTTPStatusError"),
    "redis.RedisError": ("ConnectionError", "BusyLoadingError"),
}


def _own(name: str) -> str:
    """The package and the own name of an exception, whichever module of the package offers it."""
    for module in _MODULES:
        if name.startswith(module):
            return f"{module.partition('.')[0]}.{name.removeprefix(module)}"
    return name


def kinds_of(name: str) -> frozenset[str]:
    """The exceptions that catch this one, by one name each: itself and all that is known above it."""
    if name.startswith("builtins."):
        found = getattr(builtins, name.removeprefix("builtins."), None)
        if isinstance(found, type) and issubclass(found, BaseException):
            return frozenset(f"builtins.{base.__name__}" for base in found.__mro__[:-1])
    own = _own(name)
    package, _, leaf = own.rpartition(".")
    above = (root for root, names in _ROOTS.items() if root.startswith(f"{package}.") and leaf in names)
    return frozenset({own, *above})


def catches(caught: str, raised: str) -> bool:
    """Whether a handler for one exception certainly catches the other."""
    named = kinds_of(raised)
    if caught.startswith("builtins."):  # `IOError` is another name of `OSError`
        found = getattr(builtins, caught.removeprefix("builtins."), None)
        caught = f"builtins.{found.__name__}" if isinstance(found, type) else caught
    return _own(caught) in named


def of_the_system(name: str) -> bool:
    """Whether an exception is one of ``OSError``: only who asks a file, a process or a network gets it."""
    return "builtins.OSError" in kinds_of(name)


#: Of the standard library and of the builtins these are known to raise what is given on the right.
RAISING = {
    "~float()": ("ValueError",),
    "~int()": ("ValueError",),
    "~open()": ("FileNotFoundError", "IOError", "OSError"),
    "datetime.datetime.fromisoformat()": ("ValueError",),
    "datetime.datetime.strptime()": ("ValueError",),
    "json.load()": ("JSONDecodeError", "ValueError"),
    "json.loads()": ("JSONDecodeError", "ValueError"),
}
# These ask for files, and skip those that are not there.
_PASSING_OVER = frozenset(
    f"configparser.{parser}().read" for parser in ("ConfigParser", "RawConfigParser", "SafeConfigParser")
)
_OF_LACKING_FILES = frozenset({"builtins.FileNotFoundError", "builtins.NotADirectoryError"})
#: Exceptions that a library raises where it sends a request, by the module that sends it.
UNSENT = {
    "httpx": ("ConnectError", "HTTPError", "RequestError", "TimeoutException", "TransportError"),
    "requests": ("ConnectionError", "ConnectTimeout", "ReadTimeout", "RequestException", "Timeout"),
}

# These raise nothing that passes, whatever goes wrong elsewhere: they ask neither a network nor a disk.
_HARMLESS = frozenset(
    [
        "datetime.timedelta",
        "functools.wraps",
        "sqlalchemy.orm.sessionmaker()",
        "sqlalchemy.orm.scoped_session()",
        "sqlalchemy.orm.Session",
        "sqlalchemy.ext.asyncio.AsyncSession",
        "sqlalchemy.ext.asyncio.async_sessionmaker()",
        "hashlib.sha256",
        *(f"~{name}" for name in ("dict", "isinstance", "len", "list", "set", "sorted", "tuple")),
    ]
)
# These raise nothing at all, whatever they are given.
_NOW = (*(f"datetime.datetime.{name}" for name in ("now", "utcnow", "today")), "django.utils.timezone.now")
_NEVER = frozenset(
    [
        *(f"time.{name}" for name in ("time", "monotonic", "perf_counter")),
        *_NOW,
        *(f"{moment}().isoformat" for moment in _NOW),
        "logging.getLogger",
        "structlog.get_logger",
        "uuid.uuid4",
        *(f"~{name}" for name in ("bool", "print", "repr", "str", "type")),
    ]
)
# Methods that nothing but texts, numbers, moments and collections have.
_OF_DATA = frozenset(
    [
        *("append", "encode", "endswith", "extend", "format", "hexdigest", "isoformat", "items", "join"),
        *("keys", "lower", "startswith", "strip", "total_seconds", "upper", "values"),
    ]
)
# Packages that wrap what the network raises in exceptions of their own.
_WRAPPING = ("redis.", "requests.", "httpx.", "sqlalchemy.orm.")
_NOT_WRAPPING = ("redis.asyncio.",)
# These ask the disk at most.
_WITHOUT_A_NETWORK = ("pathlib.", "uuid.")
# What the network raises, of the builtins.
_OF_THE_NETWORK = frozenset({"builtins.ConnectionError", "builtins.TimeoutError"})


def never_raises(name: str) -> bool:
    """Whether a call of this name raises nothing at all."""
    return name in _NEVER


def raises_nothing(name: str, leaf: str) -> bool:
    """Whether a call of this name raises nothing that a retry could wait for."""
    return name in _HARMLESS or leaf in _OF_DATA


def raises_its_own(name: str, exception: str) -> bool:
    """Whether a call certainly raises others in place of this exception, or none at all."""
    if name in _PASSING_OVER:
        return exception in _OF_LACKING_FILES
    if name.startswith(_WITHOUT_A_NETWORK):
        return exception in _OF_THE_NETWORK or exception.startswith(_WRAPPING)
    package = next((each for each in _WRAPPING if name.startswith(each)), "")
    if not package or name.startswith(_NOT_WRAPPING):
        return False
    own = f"{package.partition('.')[0]}."
    # Those of requests are kinds of `OSError`, none of the connection's.
    return exception in _OF_THE_NETWORK or (exception.startswith(_WRAPPING) and not exception.startswith(own))
