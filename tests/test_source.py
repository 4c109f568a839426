"""The text of one file: decoding, lines, columns, and what cannot be parsed."""

from __future__ import annotations

import gc
import json
import pickle
import sys
import warnings
from pathlib import Path

import pytest

from celery_lint.diagnostics import Span, span_of_number
from celery_lint.source import NotParsed, Source, parse, read

UTF_8_MARK = b"\xef\xbb\xbf"


@pytest.mark.parametrize(
    "data, text",
    [
        (b"", ""),
        (b"x = 1\n", "x = 1\n"),
        ("x = 'é'\n".encode(), "x = 'é'\n"),
        (UTF_8_MARK + b"x = 1", "x = 1"),
        (UTF_8_MARK + b"# coding: utf_8\n", "# coding: utf_8\n"),
        (UTF_8_MARK + b"# coding: UTF-8\n", "# coding: UTF-8\n"),
        (b"# coding: latin-1\nx = '\xe9'\n", "# coding: latin-1\nx = 'é'\n"),
        (b"# -*- coding: iso-8859-15 -*-\n'\xa4'", "# -*- coding: iso-8859-15 -*-\n'€'"),
        (b"#!/usr/bin/python\n# vim: set fileencoding=cp1252 :\n'\x80'", None),
        (b"#!/usr/bin/python\r# coding: cp1252\r'\x80'", "#!/usr/bin/python\r# coding: cp1252\r'€'"),
        (b"x = 1\n# coding: latin-1\n'\xc3\xa9'", "x = 1\n# coding: latin-1\n'é'"),  # too late: code first
        (b"\n\n# coding: latin-1\n'\xc3\xa9'", "\n\n# coding: latin-1\n'é'"),  # too late: third line
        (b"'coding: latin-1'\n'\xc3\xa9'", "'coding: latin-1'\n'é'"),  # no comment
        ("\ufeffx = 1", "x = 1"),
        ("# coding: nonsense\n'é'", "# coding: nonsense\n'é'"),  # a text needs no decoding
    ],
)
def test_decoding(data: bytes | str, text: str | None) -> None:
    source = Source("a.py", data)
    assert source.text == (text if text is not None else data.decode("cp1252"))  # type: ignore[union-attr]
    source.parse()


@pytest.mark.parametrize(
    "data, line, message",
    [
        (b"x = 1\ny = '\xff'\n", 2, "byte 0xff is not valid utf-8"),
        (b"# coding: ascii\nx = '\xe9'\n", 2, "byte 0xe9 is not valid ascii"),
        (b"# coding: nonsense\n", 1, "unknown encoding: nonsense"),
        (b"# coding: rot13\n", 1, "unknown encoding: rot13"),
        (UTF_8_MARK + b"# coding: latin-1\n", 1, "encoding problem: latin-1 with a UTF-8 byte order mark"),
        ("x = 1\n".encode("utf-16"), 1, "UTF-16 is not an encoding of Python source"),
        ("x = 1\n".encode("utf-16-le"), 1, "source contains null bytes"),
        (b"x = 1\n\0\n", 2, "source contains null bytes"),
        ("x = '\ud800'", 1, "source contains lone surrogates"),
        (b"x = 1\ndef f(:\n", 2, "invalid syntax"),
    ],
)
def test_what_is_not_parsed(data: bytes | str, line: int, message: str) -> None:
    with pytest.raises(NotParsed) as caught:
        parse("a.py", data)
    assert caught.value.unparsed == ("a.py", line, message)
    assert str(caught.value) == f"a.py:{line}: {message}"


@pytest.mark.parametrize(
    "text, lines",
    [
        ("a = 1\nb = 2\n", ["a = 1", "b = 2", ""]),
        ("a = 1\r\nb = 2", ["a = 1", "b = 2"]),
        ("a = 1\rb = 2", ["a = 1", "b = 2"]),
        ("a = 1\n\r\n\rb = 2", ["a = 1", "", "", "b = 2"]),
        ("\fa = 1\n'\u2028\x0b\x1c\x85'\nb = 2", ["\fa = 1", "'\u2028\x0b\x1c\x85'", "b = 2"]),
        ("", [""]),
    ],
)
def test_lines_are_those_of_the_parser(text: str, lines: list[str]) -> None:
    tree, source = parse("a.py", text)
    assert source.lines == lines
    for node in tree.body:
        assert source.lines[node.lineno - 1].strip()
    assert source.line(len(lines) + 1) == source.line(0) == ""


@pytest.mark.parametrize(
    "text, columns",
    [
        ("f(a)", (1, 3)),
        ("'é'; f(a)", (6, 8)),
        ("x = 'ascii'\n\n'日本'; f(a)", (7, 9)),
        ("'😀'; f(a)", (6, 8)),  # one character, two UTF-16 units, four bytes
        ("if 1:\n\t'é'; f(a)", (7, 9)),
        ("# coding: latin-1\n'é'; f(a)", (6, 8)),
    ],
)
def test_columns_count_characters(text: str, columns: tuple[int, int]) -> None:
    import ast

    tree, source = parse("a.py", text)
    call = next(node for node in ast.walk(tree) if isinstance(node, ast.Call))
    assert source.column(call.lineno, call.col_offset) == columns[0]
    assert source.column(call.lineno, call.args[0].col_offset) == columns[1]


def test_columns_in_latin_1_bytes() -> None:
    tree, source = parse("a.py", b"# coding: latin-1\n'\xe9\xe9'; f()")
    assert tree.body[1].col_offset == 8  # the parser counts in UTF-8
    assert source.column(2, 8) == 7


@pytest.mark.parametrize("line, offset, column", [(1, 2, 2), (1, 99, 4), (7, 4, 5)])
def test_columns_that_lie_nowhere(line: int, offset: int, column: int) -> None:
    assert Source("a.py", "'é'").column(line, offset) == column


def test_the_collector_is_as_it_was() -> None:
    assert gc.isenabled()
    parse("a.py", "x = 1")
    assert gc.isenabled()
    gc.disable()
    try:
        parse("a.py", "x = 1")
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_warnings_of_the_parser_are_nobody_s_business() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        parse("a.py", r"x = '\d'; assert (x, 'y'); x is 1")


def test_read(tmp_path: Path) -> None:
    path = tmp_path / "a.py"
    path.write_bytes(b"x = 1\r\n" * 300_000)
    assert read(str(path)) == path.read_bytes()


@pytest.mark.parametrize(
    "name, message",
    [
        ("missing.py", "cannot be read: No such file or directory"),
        ("folder.py", "cannot be read: Is a directory"),
        ("loop.py", "cannot be read: Too many levels of symbolic links"),
        ("null\0.py", "cannot be read: null byte in the name"),
    ],
)
@pytest.mark.skipif(sys.platform == "win32", reason="other messages, and links need a permission")
def test_read_what_is_no_file(tmp_path: Path, name: str, message: str) -> None:
    (tmp_path / "folder.py").mkdir()
    (tmp_path / "loop.py").symlink_to("loop.py")
    with pytest.raises(NotParsed) as caught:
        read(f"{tmp_path}/{name}")
    assert caught.value.unparsed == (f"{tmp_path}/{name}", 1, message)


@pytest.mark.parametrize(
    "numbers", [(1, 1, 1, 1), (12, 5, 12, 9), (3, 1, 9, 2), (1 << 36, 5_000_001, (1 << 36) + 7, 5_000_001)]
)
def test_a_span_is_its_four_numbers(numbers: tuple[int, int, int, int]) -> None:
    span = Span(*numbers)
    assert (span.line, span.column, span.end_line, span.end_column) == span.numbers == numbers
    assert span == span_of_number(json.loads(json.dumps(span))) == pickle.loads(pickle.dumps(span))
    assert span
    assert repr(span) == "Span(line={}, column={}, end_line={}, end_column={})".format(*numbers)


def test_spans_are_in_the_order_of_the_text() -> None:
    spans = [(1, 1, 1, 1), (1, 1, 1, 2), (1, 1, 2, 1), (1, 2, 1, 3), (2, 1, 2, 900), (3, 1, 4, 1)]
    assert sorted(Span(*each) for each in reversed(spans)) == [Span(*each) for each in spans]


@pytest.mark.parametrize(
    "inner, is_held", [((2, 5, 3, 1), True), ((2, 4, 2, 9), False), ((2, 6, 3, 2), False)]
)
def test_a_span_holds_what_lies_in_it(inner: tuple[int, int, int, int], is_held: bool) -> None:
    assert Span(2, 5, 3, 1).holds(Span(*inner)) == is_held
