"""What variables of shell scripts and Makefiles hold, where every run gives them the same words.

``OPTS="$OPTS -P gevent"``, ``OPTS += -P gevent`` and ``args+=(-P gevent)`` add to what stands before. A
variable that is set under a condition, in a function or beside a command is left as it is written.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_SHELL = re.compile(r"(?:export[ \t]+|readonly[ \t]+)?([A-Za-z_]\w*)(\+?=)(.*)", re.DOTALL)
_MAKE = re.compile(r"([A-Za-z_]\w*)[ \t]*(\+=|[:?]{0,2}=)[ \t]*(.*)", re.DOTALL)
_USE = re.compile(
    r"\"\$\{(?P<quoted>\w+)\[[@*]\]\}\"|\$\{(?P<braced>\w+)(?:\[[@*]\])?\}|\$\((?P<make>\w+)\)|\$(?P<plain>\w+)"
)
_OPENING = re.compile(r"(?:if|for|while|until|case|select|ifdef|ifndef|ifeq|ifneq)\b|.*\{$")
_CLOSING = re.compile(r"(?:fi|done|esac|endif)\b|\}")
_BRANCH = re.compile(r"(?:elif|else)\b")
_ENVIRONMENT = re.compile(r"""(?<![^\s])([A-Za-z_]\w*)=["']?([\w.,@:/-]+)""")
# Options that say their values themselves, or have none, and nothing else; a value may be another variable.
_OPTION = r"--[a-z][a-z-]*(?:=(?:[^\s$]|\$\w|\$\{[^{}\s]+\})+)?"
_OPTIONS = re.compile(rf"\s*{_OPTION}(?:\s+{_OPTION})*\s*")
_LONGEST = 4_000  # characters of what one variable holds
_MOST = 20  # variables in one line; keeps a file of nothing else from taking minutes


def expanded(lines: list[tuple[int, str]], makefile: bool) -> Iterator[tuple[int, str]]:
    """The logical lines of a file with what its variables hold in place of them.

    Lines that only set a variable which is used so are left out: what it holds is run where it is used.
    """
    known = _held(lines, _MAKE if makefile else _SHELL)
    used = {name for _, line in lines for name in _used(line, known) if not _sets(line, name, makefile)}
    for number, line in lines:
        if any(_sets(line, name, makefile) for name in used):
            continue
        yield number, _replaced(line, known) if used else line


def with_environment(lines: list[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    """The logical lines of a Dockerfile, the variables of what it runs replaced by their values in `ENV`.

    Whoever starts the image may give them others; as a default it is what the file says.
    """
    held: dict[str, str] = {}
    for number, line in lines:
        words = line.split(None, 1)
        instruction = words[0].upper() if words else ""
        if instruction == "FROM":
            held = {}
        elif instruction == "ENV":
            held.update(_ENVIRONMENT.findall(line))
        runs = held and instruction in ("CMD", "ENTRYPOINT") and "[" not in words[-1][:1]
        yield number, _replaced(line, held) if runs else line


def _held(lines: list[tuple[int, str]], pattern: re.Pattern[str]) -> dict[str, str]:
    """The words that each variable holds in the end, of those that are only set one after the other."""
    held: dict[str, str] = {}
    unknown: set[str] = set()
    branches = _Branches()
    depth = 0
    for _, line in lines:
        if _CLOSING.match(line):
            depth -= 1
        found = pattern.fullmatch(line) if depth == 0 else None
        branches.read(line, depth, pattern, held)
        if found is None:
            unknown.update(set(re.findall(r"(\w+)\+?=", line)) - branches.may_hold)
        else:
            name, sign, given = found.groups()
            value = _words(given)
            adds = sign == "+=" or (value is not None and _refers(value, name))
            if value is None or sign == "?=" or adds != (name in held):
                unknown.add(name)
            else:
                before = f"{held[name]} " if sign == "+=" else ""
                held[name] = f"{before}{_replaced(value, held)}"
            if len(held.get(name, "")) > _LONGEST:
                unknown.add(name)
                held[name] = ""
        if _OPENING.match(line) and not re.search(r"\b(?:fi|done|esac)$", line):
            depth += 1
    return {name: words for name, words in held.items() if name not in unknown}


class _Branches:
    """Variables that each branch of an `if` sets to options, in a shell script: one of them is run.

    ``may_hold`` are those that the line at hand sets so.
    """

    def __init__(self) -> None:
        self.may_hold: set[str] = set()
        self._sets: list[dict[str, str]] = []
        self._ends_with_else = False

    def read(self, line: str, depth: int, pattern: re.Pattern[str], held: dict[str, str]) -> None:
        """The next line, at its depth; one that closes a condition says what it holds."""
        self.may_hold = set()
        if depth == 0:
            if self._sets and line.startswith("fi") and self._ends_with_else:
                held.update(self._merged())
            self._sets, self._ends_with_else = ([{}] if line.startswith("if ") else []), False
        elif self._sets and depth == 1 and _BRANCH.match(line):
            self._ends_with_else = line.startswith("else")
            self._sets.append({})
        elif _OPENING.match(line.lstrip()):
            self._sets = []  # what stands in a condition of its own is not known of the branch
        elif self._sets and depth == 1 and pattern is _SHELL and (found := pattern.fullmatch(line.strip())):
            name, sign, given = found.groups()
            words = _words(given)
            if sign == "=" and words and _OPTIONS.fullmatch(words) and name not in held:
                self._sets[-1][name] = words
                self.may_hold = {name}

    def _merged(self) -> Iterator[tuple[str, str]]:
        for name in sorted(set.intersection(*(set(each) for each in self._sets))):
            words = dict.fromkeys(word for each in self._sets for word in each[name].split())
            options = {word.partition("=")[0]: "=" in word for word in words}
            yield name, " ".join(f"{each}=${name}" if valued else each for each, valued in options.items())


def _replaced(text: str, known: dict[str, str]) -> str:
    """A text with the words that variables hold, as far as there are not very many."""
    return _USE.sub(lambda use: known.get(use[use.lastgroup or 0], use[0]), text, count=_MOST)


def _words(given: str) -> str | None:
    """What is given to a variable without its quotes or brackets; ``None`` where a command says it."""
    given = given.strip().removesuffix(";")  # an end that needs none
    for opening, closing in (("(", ")"), ('"', '"'), ("'", "'")):
        if given[:1] == opening:
            inner = given[1:-1]
            whole = len(given) > 1 and given.endswith(closing)
            return inner if whole and opening not in inner and closing not in inner else None
    return None if any(mark in given for mark in "`;&|<>'\"") else given


def _refers(value: str, name: str) -> bool:
    return any(use[use.lastgroup or 0] == name for use in _USE.finditer(value))


def _used(line: str, known: dict[str, str]) -> set[str]:
    return {use[use.lastgroup or 0] for use in _USE.finditer(line)} & known.keys() if "$" in line else set()


def _sets(line: str, name: str, makefile: bool) -> bool:
    found = (_MAKE if makefile else _SHELL).fullmatch(line) if name in line else None
    return found is not None and found[1] == name
