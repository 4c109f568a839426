"""What a call is given, as its source spells it.

A call keeps each of its arguments as one short text, because most calls are never asked for theirs:

    ``=chain``       a name or a path of attributes
    ``(7``           what call number 7 of the same function gives
    ``'text``        a string
    ``#None``        a number, a truth value or ``None``
    ``{name,name``   a dictionary with these keys among others
    ``^'text``       a text of which only the beginning is known: ``^=chain`` if that is a name,
                     or an item: ``^=%options['url']``
    ``[``            a list, tuple or set that is not empty
    ``*``            what ``*`` unpacks, ``*?`` where it is no plain name
    ``?``            anything else
    ``name:…``       any of these as a keyword; ``**:…`` what ``**`` unpacks

A lambda or an ``await`` is its own body. Only this module and the reader know the texts; everybody else asks
an :class:`Argument`.
"""

from __future__ import annotations

from functools import cache
from typing import Literal, NamedTuple

ArgumentKind = Literal["name", "call", "text", "constant", "mapping", "starred", "unknown", "absent"]

_POSITIONAL = frozenset("=('#{^[*?")


class Argument(NamedTuple):
    """One argument of a call.

    ``keyword`` is the name that it is given by, ``""`` for a positional one and ``**`` for what is unpacked.
    ``kind`` is ``name`` (``chain``), ``call`` (``number``: of a call of the same function), ``text``
    (``data``), ``constant`` (``data``: a number, a truth value or ``None``), ``mapping`` (``keys`` that are
    plain names), ``starred`` (``data``: whether it is a plain name), ``unknown``, or ``absent`` where there
    is no such argument.
    """

    keyword: str
    kind: ArgumentKind
    chain: str = ""
    number: int = -1
    data: str | float | bool | None = None
    keys: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return self.kind != "absent"

    @property
    def text(self) -> str:
        """The string that it is, or nothing."""
        return self.data if self.kind == "text" and isinstance(self.data, str) else ""

    @property
    def amount(self) -> float | None:
        """The number that it is; a truth value is none."""
        if self.kind != "constant" or self.data is None or isinstance(self.data, (bool, str)):
            return None
        return float(self.data)

    @property
    def is_none(self) -> bool:
        """It is the literal ``None``."""
        return self.kind == "constant" and self.data is None

    @property
    def is_true(self) -> bool:
        """It is the literal ``True``."""
        return self.kind == "constant" and self.data is True

    @property
    def is_false(self) -> bool:
        """It is the literal ``False``."""
        return self.kind == "constant" and self.data is False

    @property
    def beginning(self) -> str:
        """What a text begins with that only the run knows, or nothing."""
        return self.data if self.kind == "unknown" and isinstance(self.data, str) else ""

    @property
    def begins_with(self) -> str:
        """The name that such a text begins with, as a chain, or nothing."""
        return self.keys[0] if self.kind == "unknown" and self.keys else ""

    @property
    def is_filled(self) -> bool:
        """It is a list, tuple or set with something in it."""
        return self.kind == "unknown" and self.data is True

    @property
    def local(self) -> str:
        """The parameter or local variable that it is, by its plain name, or nothing."""
        return self.chain[1:] if self.chain[:1] == "%" and "." not in self.chain else ""

    @property
    def leaf(self) -> str:
        """The last component of its chain, or nothing."""
        return self.chain.rpartition(".")[2]

    def same(self, other: Argument) -> bool:
        """Whether both are spelled alike, by whatever keyword."""
        return self[1:] == other[1:]


ABSENT = Argument("", "absent")
"""What a call is given where it is given nothing."""


@cache  # the same few texts stand in most calls
def unpack_argument(text: str) -> Argument:
    """The argument behind a packed text."""
    if text[:1] in _POSITIONAL and not text.startswith("**:"):
        return _described("", text)
    keyword, _, described = text.partition(":")
    return _described(keyword, described)


def _described(keyword: str, text: str) -> Argument:
    letter, rest = text[:1], text[1:]
    if letter == "=":
        return Argument(keyword, "name", rest)
    if letter == "(":
        return Argument(keyword, "call", number=int(rest))
    if letter == "'":
        return Argument(keyword, "text", data=rest)
    if letter == "#":
        return Argument(keyword, "constant", data=_constant(rest))
    if letter == "{":
        return Argument(keyword, "mapping", keys=tuple(filter(None, rest.split(","))))
    if letter == "^":
        named = rest[:1] == "="
        return Argument(keyword, "unknown", data=None if named else rest[1:], keys=(rest[1:],) * named)
    if letter == "[":
        return Argument(keyword, "unknown", data=True)
    if letter == "*":
        return Argument(keyword, "starred", data=rest != "?")
    return Argument(keyword, "unknown")


def _constant(text: str) -> float | bool | None:
    if text in ("None", "True", "False"):
        return {"None": None, "True": True, "False": False}[text]
    try:
        return int(text)
    except ValueError:
        return float(text)
