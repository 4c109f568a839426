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
#: Exceptions that a library raises where it sends a request, by the module that sends it.
UNSENT = {
    "httpx": ("ConnectError", "HTTPError", "RequestError", "TimeoutException", "TransportError"),
    "requests": ("ConnectionError", "ConnectTimeout", "ReadTimeout", "RequestException", "Timeout"),
}
