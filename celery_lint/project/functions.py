"""Questions about the statements of one function."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from functools import cached_property
from itertools import takewhile
from operator import attrgetter
from typing import Any, Literal, TypeVar

from celery_lint.model.calls import Call
from celery_lint.model.defined import Kind, Search, at_the_end
from celery_lint.model.facts import Function, Module, Value
from celery_lint.model.steps import Step
from celery_lint.model.words import ModuleWords, Saying, Words
from celery_lint.project.entity import Key

Answer = TypeVar("Answer")
Calling = tuple[Module, Function, Call]
"""A call, and who makes it."""

_LEAVES = frozenset({"return", "raise", "continue", "break"})


class Flow:
    """The statements of one function and how they enclose each other."""

    def __init__(self, function: Function) -> None:
        self.function = function
        self.steps: tuple[Step, ...] = tuple(function.steps())

    @cached_property
    def _by_call(self) -> dict[int, Step]:
        return {number: step for step in self.steps for number in step.calls}

    @cached_property
    def _children(self) -> dict[tuple[int, str], list[Step]]:
        found: dict[tuple[int, str], list[Step]] = {}
        for step in self.steps:
            found.setdefault((step.parent, step.role), []).append(step)
        return found

    def step_of(self, call: Call) -> Step | None:
        """The statement whose own expressions make the call."""
        return self._by_call.get(call.number)

    def ancestors(self, step: Step) -> Iterator[Step]:
        """The statements around one, the innermost first."""
        while step.parent >= 0:
            step = self.steps[step.parent]
            yield step

    def body(self, step: Step | None = None, role: str = "body") -> Sequence[Step]:
        """The statements directly in one part of a compound statement; without one, of the function."""
        return self._children.get((step.number if step is not None else -1, role), ())

    def inside(self, step: Step, kind: str, role: str) -> Step | None:
        """The innermost statement of this kind that has the step somewhere in this part of it."""
        current = step
        for ancestor in self.ancestors(step):
            if ancestor.kind == kind and current.role == role:
                return ancestor
            current = ancestor
        return None

    def attempts(self, step: Step) -> Iterator[Step]:
        """The ``try`` statements whose body a statement stands in, the innermost first."""
        current = step
        for ancestor in self.ancestors(step):
            if ancestor.kind == "try" and current.role == "body":
                yield ancestor
            current = ancestor

    def below(self, step: Step) -> list[Step]:
        """All statements inside a compound one, in source order."""
        inner = {step.number}
        found = []
        for other in self.steps[step.number + 1 :]:
            if other.parent not in inner:
                if other.parent < step.number:
                    break
                continue
            inner.add(other.number)
            found.append(other)
        return found

    def after(self, step: Step) -> list[Step]:
        """The statements that come later in the source and are not inside this one."""
        last = step.number + len(self.below(step))
        return list(self.steps[last + 1 :])

    def ends(self, steps: Sequence[Step]) -> bool:
        """Whether a list of statements always leaves it: by return, raise, continue or break."""
        for step in steps:
            if step.kind in _LEAVES:
                return True
            if step.kind == "with" and self.ends(self.body(step)):
                return True
            if step.kind == "if" and self.ends(self.body(step)) and self.ends(self.body(step, "else")):
                return True
            if step.kind == "try" and self._try_ends(step):
                return True
        return False

    def sides(self, step: Step) -> Iterator[tuple[Step, bool]]:
        """The ``if`` statements around one or before it, and whether their tests hold where it is come to."""
        current = step
        for outer in (*self.ancestors(step), None):
            if outer is not None and outer.kind == "if" and current.role in ("body", "else"):
                yield outer, current.role == "body"
            yield from self._passed(outer, current)
            current = outer or current

    def _passed(self, outer: Step | None, current: Step) -> Iterator[tuple[Step, bool]]:
        """The same of those that stand before a statement, and end one of their two ways."""
        for earlier in self.body(outer, current.role):
            if earlier is current:
                return
            for test in [earlier, *(self.body(earlier, "finally") if earlier.kind == "try" else ())]:
                if test.kind == "if" and self.ends(self.body(test)):
                    yield test, False
                elif test.kind == "if" and self.ends(self.body(test, "else")):
                    yield test, True

    def _try_ends(self, step: Step) -> bool:
        if self.ends(self.body(step, "finally")):
            return True
        handlers = self.body(step, "handler")
        good = self.ends(self.body(step)) or self.ends(self.body(step, "else"))
        return good and all(self.ends(self.body(handler)) for handler in handlers)


class Functions:
    """The statements and calls of the functions of a project, unpacked when asked for; what nests where."""

    #: A module whose functions are to be asked themselves, whatever is known of them.
    _watched: Module | None = None

    def __init__(self) -> None:
        self._families: dict[str, dict[str, list[Function]]] = {}
        self._stretches: dict[str, tuple[list[int], list[Function | None]]] = {}
        self._calls: dict[Key, list[Call]] = {}
        self._known: dict[Key, Flow] = {}
        self._in_calls = Words(attrgetter("packed_calls"))
        self._in_steps = Words(attrgetter("packed_steps"))
        self._in_modules: dict[str, ModuleWords] = {}
        self._kept: dict[str, dict[str, tuple[object, Any]]] = {}
        #: By name: the modules, the one that was watched, and the calls of this name in the others.
        self._named: dict[str, tuple[Sequence[Module], Module | None, list[Calling]]] = {}
        #: What somebody has searched for in the functions of all modules.
        self.searched: set[Search] = set()

    def kept(self, module: Module, what: str, given: object, find: Callable[[], Answer]) -> Answer:
        """What somebody finds in a module alone, whatever it is linked with: found once for what is given."""
        known = self._kept.setdefault(module.path, {})
        if what not in known or known[what][0] != given:
            known[what] = given, find()
        answer: Answer = known[what][1]
        return answer

    def forget(self, module: Module) -> None:
        """Unpack what a module says anew when it is asked for: its file has another text now."""
        path = module.path
        self._families.pop(path, None)
        self._kept.pop(path, None)
        self._stretches.pop(path, None)
        self._named.clear()
        for qualname, _ in module.functions.every():
            key = (path, qualname)
            self._calls.pop(key, None)
            self._known.pop(key, None)
        self._in_calls.forget(module)
        self._in_steps.forget(module)
        for words in self._in_modules.values():
            words.forget(module)

    def words_of_modules(
        self,
        what: Kind | Literal["bound"],
        words_in: Callable[[Module], Iterable[str]],
        modules: Sequence[Module],
        words: Collection[str],
    ) -> Saying:
        """Which of these words each module has among its own, by path."""
        known = self._in_modules.get(what)
        if known is None:
            known = self._in_modules[what] = ModuleWords(words_in)
        found = known.saying([module for module in modules if module is not self._watched], words)
        if self._watched is not None and self._watched in modules:
            if what == "bound":
                own = set(words).intersection(words_in(self._watched))
            else:  # its functions are to be asked in a way that is noted
                own = {word for said in self._saying(what, frozenset(words)).values() for word in said}
            if own:  # of the others, too, only those are there that have one
                found[self._watched.path] = own
        return found

    # ------------------------------------------------------------------ who says something

    def note(self, kind: Kind, texts: Iterable[str]) -> None:
        """Remember that somebody is after the functions that say one of these."""
        self.searched.update([(kind, text) for text in texts])

    def calling(self, modules: Iterable[Module], *leaves: str) -> Iterator[tuple[Module, Function]]:
        """The functions of these modules with a call whose chain ends in one of these."""
        for module, function in self._that_may_hold("calls", modules, at_the_end(leaves)):
            if function.may_call(*leaves):
                yield module, function

    def calls_named(self, modules: Sequence[Module], name: str) -> Iterator[Calling]:
        """The calls in these modules whose chain ends in a name, each with who makes it.

        They are kept until somebody asks with other modules: many functions have one name.
        """
        watched, kept = self._watched, self._named.get(name)
        if kept is None or kept[0] is not modules or kept[1] is not watched:
            rest = [module for module in modules if module is not watched]
            kept = self._named[name] = modules, watched, [*self._calls_named(rest, name)]
        found = kept[2]
        self.note("calls", at_the_end((name,)))
        if watched is None or watched not in modules:
            yield from found
            return
        before = {module.path for module in takewhile(lambda module: module is not watched, modules)}
        yield from [calling for calling in found if calling[0].path in before]
        yield from self._calls_named([watched], name)
        yield from [calling for calling in found if calling[0].path not in before]

    def _calls_named(self, modules: Iterable[Module], name: str) -> Iterator[Calling]:
        for module, function in self.calling(modules, name):
            for call in self.calls(module, function):
                if call.leaf().lstrip(":") == name:
                    yield module, function, call

    def holding(self, modules: Iterable[Module], *words: str) -> Iterator[tuple[Module, Function]]:
        """The functions of these modules whose calls hold one of these words, see ``Function.mentions``."""
        for module, function in self._that_may_hold("calls", modules, words):
            if function.mentions(*words):
                yield module, function

    def stating(self, modules: Iterable[Module], *words: str) -> Iterator[tuple[Module, Function]]:
        """The functions of these modules whose statements hold one of these words."""
        for module, function in self._that_may_hold("steps", modules, words):
            if function.states(*words):
                yield module, function

    def named(self, modules: Iterable[Module], *names: str) -> Iterator[tuple[Module, Function]]:
        """The functions of these modules that have one of these names."""
        self.note("name", names)
        for module in modules:
            if module is self._watched:
                yield from [(module, function) for function in module.functions.named(*names)]
            else:
                yield from [(module, f) for _, f in module.functions.every() if f.name in names]

    def mentioning(
        self, modules: Iterable[Module], names: Iterable[str]
    ) -> Iterator[tuple[Module, Function]]:
        """The functions of these modules whose calls hold one of the names, in the order of the modules.

        Each function is taken apart once, however many names are asked for in however many rounds.
        """
        modules, names = list(modules), frozenset(names)
        self.note("called", names)
        self._take_apart(self._in_calls, modules if names else ())
        found = self._in_calls.saying(names)
        for module in modules:
            is_watched = module is self._watched
            inside = self._saying("called", names) if is_watched else found.get(module.path, ())
            if inside:
                yield from [(module, f) for name, f in module.functions.every() if name in inside and f.name]

    def saying(
        self, modules: Iterable[Module], names: Collection[str]
    ) -> Iterator[tuple[Module, Function, set[str]]]:
        """The functions of these modules that say some of the names in calls or statements, with these."""
        modules = list(modules)
        self.note("said", names)
        found: dict[str, Saying] = {}
        for words in (self._in_calls, self._in_steps):
            self._take_apart(words, modules)
            words.tell_each(names, found)
        for module in modules:
            is_watched = module is self._watched
            known = self._saying("said", frozenset(names)) if is_watched else found.get(module.path)
            if known:
                for qualname, function in module.functions.every():
                    if qualname in known:
                        yield module, function, known[qualname]

    def _that_may_hold(
        self, kind: Literal["calls", "steps"], modules: Iterable[Module], texts: tuple[str, ...]
    ) -> Iterator[tuple[Module, Function]]:
        self.note(kind, texts)
        modules, words = list(modules), self._in_calls if kind == "calls" else self._in_steps
        self._take_apart(words, modules)
        found = words.that_may_hold(texts)
        for module in modules:
            if found is None or module is self._watched:
                yield from [(module, function) for function in module.functions.search(kind, texts)]
            elif inside := found.get(module.path):
                yield from [(module, f) for name, f in module.functions.every() if name in inside]

    def _take_apart(self, words: Words, modules: Iterable[Module]) -> None:
        words.add(module for module in modules if module is not self._watched)

    def _saying(self, kind: Kind, names: frozenset[str]) -> dict[str, set[str]]:
        """Which functions of the watched module say some of the names, and which of them."""
        raise NotImplementedError

    # ------------------------------------------------------------------ one function

    def calls(self, module: Module, function: Function) -> list[Call]:
        """The calls of a function of a module."""
        key = (module.path, function.qualname)
        found = self._calls.get(key)
        if found is None:
            found = self._calls[key] = function.calls()
        return found

    def of(self, module: Module, function: Function) -> Flow:
        """The statements of a function of a module."""
        key = (module.path, function.qualname)
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = Flow(function)
        return found

    def within(self, module: Module, qualname: str) -> list[Function]:
        """A function and those in it, or the methods of a class and those in them, by qualified name."""
        module.functions.searched.add(("family", qualname))
        families = self._families.get(module.path)
        if families is None:
            families = self._families[module.path] = {}
            for name, function in module.functions.every():
                families.setdefault(_outermost(name), []).append(function)
        inside = (f"{qualname}/", f"{qualname}.")
        return [
            function
            for function in families.get(_outermost(qualname), ())
            if function.qualname == qualname or function.qualname.startswith(inside)
        ]

    def around(self, module: Module, value: Value) -> Function | None:
        """The innermost function whose lines hold a value; none if it is the module's own."""
        known = self._stretches.get(module.path)
        if known is None:
            functions = [function for _, function in module.functions.every()]
            known = self._stretches[module.path] = stretches(functions)
        return innermost(known, value.span.line)


def by_path(found: Iterable[tuple[Module, Function]]) -> dict[str, list[Function]]:
    """Functions that were found, by the path of their module."""
    functions: dict[str, list[Function]] = {}
    for module, function in found:
        functions.setdefault(module.path, []).append(function)
    return functions


def _outermost(qualname: str) -> str:
    return qualname.partition("/")[0].partition(".")[0]


Stretches = tuple[list[int], list[Function | None]]


def innermost(known: Stretches, line: int) -> Function | None:
    """The innermost function that holds a line."""
    lines, owners = known
    at = bisect_right(lines, line) - 1
    return owners[at] if at >= 0 else None


def stretches(functions: Iterable[Function]) -> Stretches:
    """The lines where another function begins or goes on, and which: each is inside all that are open."""
    lines: list[int] = []
    owners: list[Function | None] = []
    opened: list[Function] = []

    def close(line: int) -> None:
        while opened and opened[-1].end_line < line:
            lines.append(opened.pop().end_line + 1)
            owners.append(opened[-1] if opened else None)

    named = [function for function in functions if function.name]
    for function in sorted(named, key=lambda function: (function.span.line, -function.end_line)):
        close(function.span.line)
        lines.append(function.span.line)
        owners.append(function)
        opened.append(function)
    if opened:
        close(max(function.end_line for function in opened) + 1)
    return lines, owners
