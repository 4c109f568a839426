"""One file's text: reading, decoding, lines, the guarded parse, and columns in characters.

The text is decoded here and not by the parser, so that bytes from disk and an editor's buffer go
the same way and every supported interpreter says the same about a broken file. Whatever a file
holds, the only exception that leaves this module is :class:`NotParsed`.
"""

from __future__ import annotations

import gc
import sys
import warnings
from _ast import PyCF_ONLY_AST  # ``ast`` itself costs 8 ms of import
from bisect import bisect_right
from itertools import accumulate
from typing import TYPE_CHECKING, Any, cast

from celery_lint.diagnostics import Span, Unparsed
from celery_lint.digests import blake2b
from celery_lint.regular_files import read_regular

if TYPE_CHECKING:
    import ast

LARGEST = 5 << 20
"""The most bytes of a Python file that is read: larger ones are data, and parsing takes 100 times as much."""

_LONG = 400  # characters of a line
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_UTF_8_NAMES = frozenset({"utf-8", "utf8", "u8", "utf", "utf-8-sig", "utf8-sig", "cp65001"})


class NotParsed(Exception):
    """A file cannot be read, decoded or parsed; ``unparsed`` says which, where and why."""

    def __init__(self, path: str, line: int, message: str) -> None:
        self.unparsed = Unparsed(path, max(line, 1), " ".join(message.split()))
        super().__init__(f"{path}:{self.unparsed.line}: {self.unparsed.message}")


def read(path: str, most: int = LARGEST, *, within: str = "") -> bytes:
    """The bytes of a file of no more than ``most``, or :class:`NotParsed`.

    ``within`` is the workspace that a link in the file's place may not leave.
    """
    try:
        return read_regular(path, most, within=within)
    except OSError as error:
        raise NotParsed(path, 1, f"cannot be read: {error.strerror or error}") from None
    except ValueError:
        raise NotParsed(path, 1, "cannot be read: null byte in the name") from None
    except MemoryError:
        raise NotParsed(path, 1, "cannot be read: larger than the memory") from None


class Source:
    """The text of one file.

    ``data`` is what was read from disk (decoded by its byte order mark or PEP 263 cookie) or the
    text of an unsaved buffer. Raises :class:`NotParsed` for bytes that are not text.
    """

    __slots__ = ("_ascii", "_ends", "_lines", "_wide", "path", "text")

    def __init__(self, path: str, data: bytes | str) -> None:
        self.path = path
        self.text = data.removeprefix("\ufeff") if isinstance(data, str) else _decode(path, data)
        self._ascii = self.text.isascii()
        self._lines: list[str] | None = None
        self._wide: set[int] | None = None  # the numbers of the lines that are not ASCII
        self._ends: tuple[int, list[int]] = (0, [])

    @property
    def lines(self) -> list[str]:
        r"""The lines without their ends, split where the parser does: ``\n``, ``\r\n``, ``\r``.

        ``str.splitlines`` also splits at form feeds and U+2028, which the parser does not.
        """
        if self._lines is None:
            text = self.text
            if "\r" in text:
                text = text.replace("\r\n", "\n").replace("\r", "\n")
            self._lines = text.split("\n")
        return self._lines

    def line(self, number: int) -> str:
        """The line of this 1-based number, or nothing where there is none."""
        lines = self.lines
        return lines[number - 1] if 0 < number <= len(lines) else ""

    def column(self, line: int, offset: int) -> int:
        """The 1-based column in characters of a node's ``col_offset``, which counts UTF-8 bytes."""
        if self._ascii:
            return offset + 1
        if self._wide is None:
            self._wide = {number for number, text in enumerate(self.lines, 1) if not text.isascii()}
        if line not in self._wide:
            return offset + 1
        text = self.line(line)
        if len(text) > _LONG:
            return bisect_right(self._ends_of(line, text), offset) + 1
        # Before Python 3.12 positions inside f-strings may lie beyond the line or within a character.
        return len(text.encode("utf-8", "surrogatepass")[:offset].decode("utf-8", "ignore")) + 1

    def span(self, node: Any) -> Span:
        """Where a node of the syntax tree stands."""
        line, end = node.lineno, node.end_lineno
        if self._ascii:
            return Span(line, node.col_offset + 1, end, node.end_col_offset + 1)
        column = self.column
        return Span(line, column(line, node.col_offset), end, column(end, node.end_col_offset))

    def place(self, node: Any) -> str:
        """The numbers of its span as packed facts have them: most are never asked for."""
        line, end = node.lineno, node.end_lineno
        if self._ascii:
            return f"{line} {node.col_offset + 1} {end} {node.end_col_offset + 1}"
        column = self.column
        return f"{line} {column(line, node.col_offset)} {end} {column(end, node.end_col_offset)}"

    def _ends_of(self, line: int, text: str) -> list[int]:
        """Where each character of a long line ends, in bytes: every node of it asks."""
        if self._ends[0] != line:
            widths = (1 if c < "\x80" else 2 if c < "\u0800" else 3 if c < "\U00010000" else 4 for c in text)
            self._ends = (line, list(accumulate(widths)))
        return self._ends[1]

    def parse(self) -> ast.Module:
        """The syntax tree, or :class:`NotParsed` for any text that the running Python rejects."""
        if "\0" in self.text:
            number = self.text[: self.text.index("\0")].count("\n") + 1
            raise NotParsed(self.path, number, "source contains null bytes")
        collecting = gc.isenabled()
        gc.disable()  # a tree is all allocation and no garbage: collecting meanwhile costs a tenth
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # invalid escapes are for other linters to tell
                return _tree(self.text)
        except SyntaxError as error:
            raise NotParsed(self.path, error.lineno or 1, error.msg) from None
        except UnicodeEncodeError as error:
            number = self.text[: error.start].count("\n") + 1
            raise NotParsed(self.path, number, "source contains lone surrogates") from None
        except (RecursionError, MemoryError):
            raise NotParsed(self.path, 1, "too deeply nested for the Python parser") from None
        except (ValueError, OverflowError, SystemError) as error:
            raise NotParsed(self.path, 1, str(error) or type(error).__name__) from None
        finally:
            if collecting:
                gc.enable()


def parse(path: str, data: bytes | str) -> tuple[ast.Module, Source]:
    """The syntax tree and the text of a file, or :class:`NotParsed`."""
    source = Source(path, data)
    return source.parse(), source


def is_text_of(root: str, path: str, data: bytes | str) -> bool:
    """Whether a text is what a file of a workspace holds."""
    try:
        there = Source(path, read(f"{root}/{path}", within=root)).text
        return digest_of(there) == digest_of(Source(path, data).text)
    except NotParsed:
        return False


def digest_of(text: str) -> str:
    """What identifies a text, the same from disk, from an editor and with any line ends."""
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def _tree(text: str) -> ast.Module:
    # The text of an error's line is looked up by Python in the file of this name, so there must not be one.
    return cast("ast.Module", compile(text, "", "exec", PyCF_ONLY_AST, dont_inherit=True))


if sys.version_info < (3, 11):
    # Python 3.10 builds the tree by unchecked recursion: a sum of some 100,000 terms overflows the C stack
    # and kills the process. A level takes two characters or more and was measured to need 96 bytes of stack.
    _tree_on_this_stack = _tree

    def _tree(text: str) -> ast.Module:
        levels = len(text) // 2
        if levels < 4_000:  # fits any usual stack
            return _tree_on_this_stack(text)
        import _thread

        outcome: list[ast.Module | BaseException] = []
        finished = _thread.allocate_lock()
        finished.acquire()

        def build() -> None:
            try:
                outcome.append(_tree_on_this_stack(text))
            except BaseException as error:
                outcome.append(error)
            finally:
                finished.release()

        usual = _thread.stack_size((1 << 20) + (levels * 256 & -4096))
        try:
            _thread.start_new_thread(build, ())
        except RuntimeError:  # so much address space is not to be had
            raise MemoryError from None
        finally:
            _thread.stack_size(usual)
        finished.acquire()
        if isinstance(outcome[0], BaseException):
            raise outcome[0]
        return outcome[0]


def _decode(path: str, data: bytes) -> str:
    marked = data.startswith(_BYTE_ORDER_MARK)
    if marked:
        data = data[3:]
    cookie = _cookie(data)
    encoding = (cookie or "utf-8").lower().replace("_", "-")
    if encoding in _UTF_8_NAMES:
        encoding = "utf-8"
    elif marked:
        raise NotParsed(path, 1, f"encoding problem: {cookie} with a UTF-8 byte order mark")
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        if data.startswith((b"\xff\xfe", b"\xfe\xff")):
            raise NotParsed(path, 1, "UTF-16 is not an encoding of Python source") from None
        number = data.count(b"\n", 0, error.start) + 1
        byte = data[error.start]
        raise NotParsed(path, number, f"byte 0x{byte:02x} is not valid {encoding}") from None
    except LookupError:
        raise NotParsed(path, 1, f"unknown encoding: {cookie}") from None
    except (ValueError, MemoryError, OverflowError) as error:  # codecs fail in ways of their own
        raise NotParsed(path, 1, f"cannot be decoded as {encoding}: {error}") from None


def _cookie(data: bytes) -> str | None:
    """The encoding that a comment on one of the first two lines declares (PEP 263).

    https://docs.python.org/3/reference/lexical_analysis.html#encoding-declarations
    """
    if b"coding" not in data[:400]:
        return None
    import re

    for line in re.split(rb"\r\n|\r|\n", data[:400], maxsplit=2)[:2]:
        if declared := re.match(rb"[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)", line):
            return declared[1].decode("ascii", "replace")
        if not re.match(rb"[ \t\f]*(?:#|$)", line):
            return None
    return None
