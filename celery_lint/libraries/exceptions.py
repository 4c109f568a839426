"""Which exceptions of well-known packages are kinds of which others."""

from __future__ import annotations

import builtins

# The modules that offer the exceptions of a package, the longest first.
_MODULES = (
    "requests.exceptions.",
    "requests.",
    "httpx.",
    "aiohttp.",
    "redis.exceptions.",
    "redis.",
)
# What an exception derives from, by the package and its own name; the last one of a line is the root.
_LINES = {
    "requests": (
        "ConnectTimeout ConnectionError RequestException",
        "ConnectTimeout Timeout RequestException",
        "ReadTimeout Timeout RequestException",
        "ProxyError ConnectionError RequestException",
        "SSLError ConnectionError RequestException",
        "HTTPError RequestException",
        "TooManyRedirects RequestException",
        "ChunkedEncodingError RequestException",
    ),
    "httpx": (
        "ConnectTimeout TimeoutException TransportError RequestError HTTPError",
        "ReadTimeout TimeoutException TransportError RequestError HTTPError",
        "WriteTimeout TimeoutException TransportError RequestError HTTPError",
        "PoolTimeout TimeoutException TransportError RequestError HTTPError",
        "ConnectError NetworkError TransportError RequestError HTTPError",
        "ReadError NetworkError TransportError RequestError HTTPError",
        "WriteError NetworkError TransportError RequestError HTTPError",
        "RemoteProtocolError ProtocolError TransportError RequestError HTTPError",
        "TooManyRedirects RequestError HTTPError",
        "HTTPStatusError HTTPError",
    ),
    "aiohttp": (
        "ClientConnectorError ClientOSError ClientConnectionError ClientError",
        "ServerDisconnectedError ServerConnectionError ClientConnectionError ClientError",
        "ServerTimeoutError ServerConnectionError ClientConnectionError ClientError",
        "ClientResponseError ClientError",
        "ClientPayloadError ClientError",
    ),
    "redis": (
        "ConnectionError RedisError",
        "TimeoutError RedisError",
        "BusyLoadingError ConnectionError RedisError",
        "ResponseError RedisError",
    ),
}


def _own(name: str) -> str:
    """The package and the own name of an exception, whichever module of the package offers it."""
    for module in _MODULES:
        if name.startswith(module):
            return f"{module.partition('.')[0]}.{name.removeprefix(module)}"
    return name


_BASES: dict[str, set[str]] = {}
for _package, _lines in _LINES.items():
    for _line in _lines:
        _chain = [f"{_package}.{_name}" for _name in _line.split()]
        for _at, _each in enumerate(_chain):
            _BASES.setdefault(_each, set()).update(_chain[_at:])


def kinds_of(name: str) -> frozenset[str]:
    """The exceptions that catch this one, by one name each: itself and all that is known above it."""
    if name.startswith("builtins."):
        found = getattr(builtins, name.removeprefix("builtins."), None)
        if isinstance(found, type) and issubclass(found, BaseException):
            return frozenset(f"builtins.{base.__name__}" for base in found.__mro__[:-1])
    own = _own(name)
    return frozenset({own, *_BASES.get(own, ())})


def catches(caught: str, raised: str) -> bool:
    """Whether a handler for one exception certainly catches the other."""
    named = kinds_of(raised)
    if caught.startswith("builtins."):  # `IOError` is another name of `OSError`
        found = getattr(builtins, caught.removeprefix("builtins."), None)
        caught = f"builtins.{found.__name__}" if isinstance(found, type) else caught
    return _own(caught) in named
