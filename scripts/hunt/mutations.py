"""Programs with something broken in them: by their words, by their lines, or by their trees."""

from __future__ import annotations

import ast
import io
import random
import tokenize
import warnings
from collections.abc import Sequence

_WORDS = (
    "async", "await", "return", "yield", "raise", "lambda", "pass", "del", "global", "None", "self", "cls",
    "*", "**", "(", ")", "[", "]", "{", "}", ":", ",", ".", "=", ":=", "@", "->", "...", "not", "if", "else",
    "'text'", "b'bytes'", "f'{x!r:>{y}}'", "0", "-1", "1e400", "10**9", "bind", "execution_id",
)  # fmt: skip
_MOST_CHANGES = 4


def mutated(text: str, dice: random.Random, others: Sequence[str]) -> str:
    """The program after a few changes, with parts of other programs. It need not parse."""
    ways = (_changed_tree, _changed_tree, _changed_words, _changed_lines)
    for _ in range(dice.randint(1, _MOST_CHANGES)):
        text = dice.choice(ways)(text, dice, others)
    return text


def _changed_lines(text: str, dice: random.Random, others: Sequence[str]) -> str:
    lines = text.split("\n")
    at, to = dice.randrange(len(lines)), dice.randrange(len(lines))
    match dice.randrange(6):
        case 0:
            del lines[at]
        case 1:
            lines.insert(to, lines[at])
        case 2:
            lines[at], lines[to] = lines[to], lines[at]
        case 3:
            lines[at] = dice.choice(("    ", "\t", "")) + lines[at]
        case 4:
            lines[at] = lines[at].removeprefix("    ")
        case _:
            other = dice.choice(others).split("\n")
            start = dice.randrange(len(other))
            lines[at:at] = other[start : start + dice.randint(1, 8)]
    return "\n".join(lines)


def _changed_words(text: str, dice: random.Random, others: Sequence[str]) -> str:
    words = _words(text)
    if not words:
        return text
    start, end = dice.choice(words)
    other = dice.choice(others)
    pool = [other[first:last] for first, last in _words(other)] or list(_WORDS)
    new = dice.choice(
        ("", dice.choice(_WORDS), dice.choice(pool), text[start:end] + " " + dice.choice(_WORDS))
    )
    return text[:start] + new + text[end:]


def _words(text: str) -> list[tuple[int, int]]:
    """Where the tokens of a program stand, as far as it can be told."""
    lines = text.split("\n")
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line) + 1)
    found = []
    try:
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.string.strip():
                found.append(
                    (starts[token.start[0] - 1] + token.start[1], starts[token.end[0] - 1] + token.end[1])
                )
    except (tokenize.TokenError, SyntaxError, IndexError):
        pass
    return found


def _changed_tree(text: str, dice: random.Random, others: Sequence[str]) -> str:
    tree, other = _tree(text), _tree(dice.choice(others))
    if tree is None or other is None:
        return text
    nodes = [node for node in ast.walk(tree) if any(True for _ in ast.iter_child_nodes(node))]
    if not nodes:
        return text
    parent = dice.choice(nodes)
    kinds = (ast.expr, ast.stmt, ast.arguments, ast.keyword, ast.excepthandler)
    for kind in dice.sample(kinds, len(kinds)):
        places = [
            (field, value)
            for field, value in ast.iter_fields(parent)
            if isinstance(value, kind) or (isinstance(value, list) and value and isinstance(value[0], kind))
        ]
        if not places:
            continue
        field, value = dice.choice(places)
        pool = [node for node in ast.walk(dice.choice((tree, other))) if isinstance(node, kind)]
        if isinstance(value, list):
            _changed_list(value, dice, pool)
        elif pool:
            setattr(parent, field, dice.choice(pool))
        break
    else:
        return text
    try:
        return ast.unparse(ast.fix_missing_locations(tree))
    except (
        ValueError,
        TypeError,
        AttributeError,
        RecursionError,
    ):  # a node that contains itself, and the like
        return text


def _changed_list(nodes: list[ast.AST], dice: random.Random, pool: list[ast.AST]) -> None:
    at = dice.randrange(len(nodes))
    match dice.randrange(4):
        case 0 if len(nodes) > 1:
            del nodes[at]
        case 1:
            dice.shuffle(nodes)
        case 2:
            nodes.insert(at, nodes[dice.randrange(len(nodes))])
        case _:
            if pool:
                nodes[at] = dice.choice(pool)


def _tree(text: str) -> ast.Module | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
