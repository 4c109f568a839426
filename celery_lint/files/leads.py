"""What the definitions of a file lead to, told from its bytes.

A helper that only hands its call on holds none of the words that files are searched for. It is worth reading
for the sake of the file behind it, and to find that one must cost far less than to parse the first.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

from celery_lint.files.filter import Pair, words_in

# Definitions and bindings at the top of a file; each goes on to the next.
_TOP = re.compile(rb"(?:(?:async[ \t]+)?def|class)[ \t]+(\w+)|(\w+)[ \t]*(?::[^\n=]*)?=(?!=)")
_IMPORT = re.compile(
    rb"[ \t]*(?:from[ \t]+([\w.]+)[ \t]+import[ \t]*(\([^)]{0,4000}\)|[^\n(]*)|import[ \t]+([^\n]*))"
)
# So far before the word `import` its line begins, or nobody has written it by hand.
_LONGEST = 200
_INDENTED = frozenset(b" \t#)]}\"'")
_IMPORTED = re.compile(rb"([\w.]+|\*)(?:[ \t]+as[ \t]+(\w+))?")
_COMMENT = re.compile(rb"#[^\n]*")


class Outline:
    """The definitions at the top of a text, and what it imports, without parsing it."""

    def __init__(self, data: bytes) -> None:
        self._parts: dict[bytes, list[bytes]] = {}
        name, start, at = b"", 0, 0
        # Line by line: an expression that looks for line ends itself takes ten times as long.
        for line in data.split(b"\n"):
            if line and line[0] not in _INDENTED:
                top = _TOP.match(line)
                if top is not None:
                    self._parts.setdefault(name, []).append(data[start:at])
                    name, start = top[1] or top[2], at
            at += len(line) + 1
        self._parts.setdefault(name, []).append(data[start:])
        self._words: dict[bytes, set[bytes]] = {}
        #: Dotted paths, relative ones with their dots, and the words by which the file knows them.
        self.imports = list(_imports(data))

    def mentioned(self, names: Iterable[bytes]) -> set[bytes]:
        """The words of the definitions of these names, and of those that they mention.

        A name without a definition stands for itself: it may be a re-export.
        """
        words = set(names)
        line = [name for name in words if name in self._parts]
        seen = set(line)
        for name in line:  # which grows meanwhile
            words |= self._words_of(name)
            more = (words & self._parts.keys()) - seen
            seen |= more
            line += more
        return words

    def _words_of(self, name: bytes) -> set[bytes]:
        known = self._words.get(name)
        if known is None:
            known = self._words[name] = words_in(b"\n".join(self._parts[name]))
        return known

    def defined(self, words: Iterable[bytes]) -> set[bytes]:
        """Those of the words that are defined here."""
        return self._parts.keys() & words


def _imports(data: bytes) -> Iterator[tuple[str, bytes]]:
    at = data.find(b"import")
    while at >= 0:
        found = _IMPORT.match(data, data.rfind(b"\n", max(0, at - _LONGEST), at) + 1)
        at = data.find(b"import", max(at + 1, found.end() if found is not None else 0))
        if found is None:
            continue
        home, members, modules = found.groups()
        for member, alias in _IMPORTED.findall(_COMMENT.sub(b"", members or modules)):
            if home is None:
                path, word = member, alias or member.partition(b".")[0]
            elif member == b"*":
                path, word = home, b""
            else:
                path, word = home + (b"" if home.endswith(b".") else b".") + member, alias or member
            yield path.decode("utf-8", "surrogatepass"), word


class Leads:
    """Whether definitions of unread files lead to a file that holds a word in what it defines for them.

    ``read`` gives the bytes of a file, ``locate`` the file of a dotted path as an importer means it, and what
    of the path is left behind it. Each file is taken apart once.
    """

    def __init__(
        self,
        pairs: Iterable[Pair],
        read: Callable[[str], bytes],
        locate: Callable[[str, str], tuple[str, tuple[str, ...]] | None],
    ) -> None:
        self._leaves: dict[bytes, set[str]] = {}
        for name, leaf in pairs:
            self._leaves.setdefault(name.encode(), set()).add(leaf)
        packages = set[str]().union(*self._leaves.values()) - {""}
        self._packages = [leaf.encode() for leaf in sorted(packages, key=len)]
        self._read = read
        self._locate = locate
        self._outlines: dict[str, Outline] = {}
        self._known: dict[tuple[str, bytes], bool] = {}
        self._holding: dict[tuple[str, bytes], bool] = {}
        self._speaking: dict[str, bool] = {}
        #: The files that were looked at for the sake of others.
        self.looked_at: set[str] = set()

    def worth(self, path: str, names: Iterable[str]) -> bool:
        """Whether a file leads on by its definitions of these names."""
        return any(self._leads(path, name.encode("utf-8", "surrogatepass")) for name in sorted(names))

    def let_go(self) -> None:
        """Free the words of all files that were looked at: nobody asks any more."""
        self._outlines.clear()

    def start_again(self) -> None:
        """Forget where files lead to: imports mean something else now."""
        self._known.clear()

    def _leads(self, path: str, name: bytes) -> bool:
        key = (path, name)
        if key not in self._known:
            outline = self._outline(path)
            words = outline.mentioned([name])
            self._known[key] = any(
                self._holds(located[0], located[1], words)
                for dotted, word in outline.imports
                if not word or word in words
                for located in [self._locate(dotted, path)]
                if located is not None and located[0] != path
            )
        return self._known[key]

    def _holds(self, path: str, rest: tuple[str, ...], words: set[bytes]) -> bool:
        """Whether a file holds a word in what it defines under one name, or under words of the importer."""
        self.looked_at.add(path)
        if not self._may_hold(path):
            return False
        if rest:
            return self._defines(path, rest[0].encode("utf-8", "surrogatepass"))
        return any(self._defines(path, name) for name in sorted(self._outline(path).defined(words)))

    def _may_hold(self, path: str) -> bool:
        if path not in self._speaking:
            data = self._read(path)
            self._speaking[path] = any(package in data for package in self._packages)
        return self._speaking[path]

    def _defines(self, path: str, name: bytes) -> bool:
        """Whether the definition of a name holds a word, and the file imports the package of that word."""
        key = (path, name)
        if key not in self._holding:
            self._holding[key] = self._is_held(self._outline(path), name)
        return self._holding[key]

    def _is_held(self, outline: Outline, name: bytes) -> bool:
        inner = outline.mentioned([name])
        hits = self._leaves.keys() & inner
        if not hits:
            return False
        used = {part for dotted, word in outline.imports if word in inner for part in dotted.split(".")}
        return any("" in self._leaves[hit] or not self._leaves[hit].isdisjoint(used) for hit in hits)

    def _outline(self, path: str) -> Outline:
        known = self._outlines.get(path)
        if known is None:
            known = self._outlines[path] = Outline(self._read(path))
        return known
