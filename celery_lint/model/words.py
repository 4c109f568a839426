"""Functions by the words of what they say, so that those that hold a text are found without asking all."""

from __future__ import annotations

import re
from array import array
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from sys import intern

from celery_lint.diagnostics import Span
from celery_lint.model.facts import Function, Module, Value

Saying = dict[str, set[str]]
"""The qualified names of functions, or words, by the path of their module."""

_WORD = re.compile(r"\w+")
# Everything that is no part of a name, as blanks. Of bytes: that is several times faster than of characters.
_WORDS = bytes(code if chr(code).isalnum() or chr(code) == "_" else 32 for code in range(128)) + bytes(128)


def words_in(text: str) -> list[str]:
    """The names and words in a text."""
    return [word.decode("utf-8", "surrogatepass") for word in words_of(text)]


def words_of(text: str) -> list[bytes]:
    """The same as UTF-8: many times quicker than to unpack what is packed."""
    if text.isascii():
        return text.encode().translate(_WORDS).split()
    return [_bytes(word) for word in _WORD.findall(text)]


def _bytes(word: str) -> bytes:
    return word.encode("utf-8", "surrogatepass")


def held(value: Value) -> Iterator[Value]:
    """An expression and all that it holds."""
    left = [value]
    while left:
        each = left.pop()
        yield each
        if each.items:
            left.extend(each.items)
        if each.keywords:
            left.extend([item for _, item in each.keywords])


def texts_of(value: Value) -> Iterator[tuple[Span, str]]:
    """What the words of an expression are in, and where: names, texts, and what it holds."""
    for each in held(value):
        if each.chain:
            yield each.span, each.chain
        if isinstance(each.data, str):
            yield each.span, each.data
        for key, item in each.keywords:
            yield item.span, key


def words_of_values(values: Iterable[Value]) -> list[str]:
    """The words of expressions, and of what they hold: of all texts at once, as many of them are short."""
    return words_in("\n".join([text for value in values for _, text in texts_of(value)]))


def given_words(function: Function) -> list[str]:
    """The words in what a function takes by default, gives back, and in the calls that are kept whole."""
    if not function.parameters and not function.returns and not function.values:
        return []
    defaults = words_in("\n".join([parameter.default for parameter in function.parameters]))
    return defaults + words_of_values([*function.returns, *[value for _, value in function.values]])


def said_by(function: Function) -> list[str]:
    """The words in the calls and statements of a function."""
    return words_in(function.packed_calls) + words_in(function.packed_steps)


#: The words that a function says, by the kind of search that goes by them, see ``model/defined``.
SAYING: dict[str, Callable[[Function], Iterable[str]]] = {
    "called": lambda function: words_in(function.packed_calls),
    "said": said_by,
    "given": given_words,
}


class Words:
    """The functions of modules by the words of one of their packed texts."""

    def __init__(self, text_of: Callable[[Function], str]) -> None:
        self._text_of = text_of
        # Functions by number, as there is one for each word of each function. Numbers are in most texts, as
        # places, and nobody looks for them: they are left out.
        self._functions: dict[bytes, array[int]] = {}
        self._paths: list[str] = []
        self._names: list[str] = []
        self._modules: dict[str, tuple[Module, int]] = {}  # with the number of the first function
        self._all = b""  # all words, a line each: one search in it costs less than one in every word

    def add(self, modules: Iterable[Module]) -> None:
        """Take the functions of modules apart that are not known yet."""
        known = self._functions
        for module in modules:
            if module.path in self._modules:
                continue
            first = len(self._names)
            self._modules[module.path] = module, first
            self._all = b""
            for number, (qualname, function) in enumerate(module.functions.every(), first):
                self._paths.append(module.path)
                self._names.append(qualname)
                for word in set(words_of(self._text_of(function))):
                    functions = known.get(word)
                    if functions is not None:
                        functions.append(number)
                    elif not word.isdigit():
                        known[word] = array("I", (number,))

    def forget(self, module: Module) -> None:
        """Take a module apart anew when it is asked for."""
        if module.path not in self._modules:
            return
        known, first = self._modules.pop(module.path)
        for number, (_, function) in enumerate(known.functions.every(), first):
            for word in set(words_of(self._text_of(function))):
                if not word.isdigit():
                    self._functions[word].remove(number)
        if first + sum(1 for _ in known.functions.every()) == len(self._names):
            del self._names[first:], self._paths[first:]  # in an editor it is the same one again and again

    def saying(self, words: Iterable[str]) -> Saying:
        """The functions that say one of these words."""
        meant = frozenset(map(_bytes, words))
        found = self._those(meant)
        if any(word.isdigit() for word in meant):  # a task may have such a name
            for module, _ in self._modules.values():
                for qualname, function in module.functions.every():
                    if not meant.isdisjoint(words_of(self._text_of(function))):
                        found.setdefault(module.path, set()).add(qualname)
        return found

    def tell_each(self, words: Iterable[str], said: dict[str, Saying]) -> None:
        """Add the functions that say some of these words, by path and name, with these."""
        paths, names, known = self._paths, self._names, self._functions
        for word in words:
            own = _bytes(word)
            if own.isdigit():
                for path, inside in self.saying((word,)).items():
                    for name in inside:
                        said.setdefault(path, {}).setdefault(name, set()).add(word)
            for number in known.get(own, ()):
                path = paths[number]
                functions = said.get(path)
                if functions is None:
                    functions = said[path] = {}
                words_of_one = functions.get(names[number])
                if words_of_one is None:
                    functions[names[number]] = {word}
                else:
                    words_of_one.add(word)

    def that_may_hold(self, texts: Iterable[str]) -> Saying | None:
        """The functions that can hold one of the texts; ``None`` if any can.

        Who holds ``.delay(`` says that very word, who holds ``time_limit:`` one that ends so.
        """
        sought = _sought(tuple(texts))
        if sought is None:
            return None
        whole, parts = sought
        return self._those(whole.union(*map(self._with, parts)))

    def _those(self, words: Iterable[bytes]) -> Saying:
        found: Saying = {}
        for word in words:
            for number in self._functions.get(word, ()):
                found.setdefault(self._paths[number], set()).add(self._names[number])
        return found

    def _with(self, part: bytes) -> list[bytes]:
        """The words that hold a part of a word."""
        if not self._all:
            self._all = b"\n".join(self._functions) + b"\n"
        found, text = [], self._all
        at = text.find(part)
        while at >= 0:
            end = text.index(b"\n", at)
            found.append(text[text.rfind(b"\n", 0, at) + 1 : end])
            at = text.find(part, end)
        return found


class ModuleWords:
    """Modules by the words of something that they say."""

    def __init__(self, words_in: Callable[[Module], Iterable[str]]) -> None:
        self._words_in = words_in
        self._saying: dict[str, array[int]] = {}
        self._paths: list[str] = []
        self._numbers: dict[str, int] = {}

    def saying(self, modules: Iterable[Module], words: Iterable[str]) -> Saying:
        """Which of these words modules say, by path; each module is taken apart once."""
        for module in modules:
            if module.path not in self._numbers:
                number = self._numbers[module.path] = len(self._paths)
                self._paths.append(module.path)
                for word in set(self._words_in(module)):
                    self._saying.setdefault(intern(word), array("I")).append(number)
        found: Saying = {}
        for word in words:
            for number in self._saying.get(word, ()):
                path = self._paths[number]
                if self._numbers.get(path) == number:
                    found.setdefault(path, set()).add(word)
        return found

    def forget(self, module: Module) -> None:
        """Take a module apart anew when it is asked for."""
        self._numbers.pop(module.path, None)


@lru_cache(1024)  # most are asked for in every project, and the same each time
def _sought(texts: tuple[str, ...]) -> tuple[frozenset[bytes], frozenset[bytes]] | None:
    """Words and parts of words: who holds one of the texts says one of them. ``None`` if anybody may."""
    whole, parts_of_words = set(), set()
    for text in texts:
        parts = [part for part in _WORD.finditer(text) if not part[0].isdigit()]
        if not parts:
            return None
        parts.sort(key=_length)
        inner = [_bytes(part[0]) for part in parts if part.start() > 0 and part.end() < len(text)]
        whole.update(inner[-1:])
        if not inner:
            parts_of_words.add(_bytes(parts[-1][0]))
    return frozenset(whole), frozenset(parts_of_words)


def _length(match: re.Match[str]) -> int:
    return match.end() - match.start()
