"""The statements of a function, packed, unpacked and asked about."""

from __future__ import annotations

import pytest

from celery_lint.model.facts import Function, Module
from celery_lint.model.reading.reader import read_module
from celery_lint.model.steps import KINDS, ROLES
from celery_lint.model.words import ModuleWords, Words, words_of
from celery_lint.project.functions import Flow, Functions
from celery_lint.source import Source


def function(text: str, name: str = "f") -> Function:
    return read_module("shop/tasks.py", Source("shop/tasks.py", text)).functions[name]


TEXT = '''
import asyncio

def f(self, a):
    """Doc."""
    result = None
    try:
        with Session() as s, lock:
            for i in a:
                result = s.get(i)
                if result:
                    continue
                else:
                    raise ValueError(i)
    except (ValueError, errors.Lost) as error:
        return error
    except:
        raise
    else:
        pass
    finally:
        s.close()
        del a
    async def inner():
        await s.commit()
    while True:
        global total
        total += {1: 2}
        break
    match a:
        case [1, x] if x > b:
            return 2
    return asyncio.run(inner())
'''


def test_letters_are_unique() -> None:
    assert len(set(KINDS.values())) == len(KINDS)
    assert len(set(ROLES.values())) == len(ROLES)


def test_statements_in_source_order_with_what_encloses_them() -> None:
    flow = Flow(function(TEXT))
    found = [(step.kind, step.parent, step.role) for step in flow.steps]
    assert found == [
        ("expr", -1, "body"),
        ("assign", -1, "body"),
        ("try", -1, "body"),
        ("with", 2, "body"),
        ("for", 3, "body"),
        ("assign", 4, "body"),
        ("if", 4, "body"),
        ("continue", 6, "body"),
        ("raise", 6, "else"),
        ("handler", 2, "handler"),
        ("return", 9, "body"),
        ("handler", 2, "handler"),
        ("raise", 11, "body"),
        ("pass", 2, "else"),
        ("expr", 2, "finally"),
        ("delete", 2, "finally"),
        ("def", -1, "body"),
        ("while", -1, "body"),
        ("global", 17, "body"),
        ("augment", 17, "body"),
        ("break", 17, "body"),
        ("match", -1, "body"),
        ("case", 21, "case"),
        ("return", 22, "body"),
        ("return", -1, "body"),
    ]
    lines = [step.span.line for step in flow.steps]
    assert lines == sorted(lines)


def test_names_and_chains() -> None:
    steps = Flow(function(TEXT)).steps
    assert steps[1].stores == ("result",)
    assert steps[1].chains == ("#None",)
    assert steps[3].chains == ("~Session()=s", "~lock")
    assert steps[3].stores == ("s",)
    assert set(steps[3].loads) == {"Session", "lock", ";~Session"}
    assert steps[3].unbound == ["~Session"]
    assert steps[5].loads == ("i", "s")
    assert steps[9].chains == ("~ValueError", "~errors.Lost")
    assert steps[9].stores == ("error",)
    assert steps[11].chains == ()
    assert steps[12].chains == ()
    assert steps[15].loads == ("a",)
    assert steps[16].loads == ("s",)
    assert steps[16].chains == ("f/inner",)
    assert steps[17].flags == "T"
    assert steps[19].stores == steps[19].loads == ("total",)
    assert steps[19].chains == ("{",)
    assert set(steps[22].loads) == {"x", "b"}
    assert steps[24].chains == ("asyncio.run()",)


def test_calls_belong_to_their_statements() -> None:
    read = function(TEXT)
    flow = Flow(read)
    where = {call.chain: flow.step_of(call) for call in read.calls()}
    run = where["asyncio.run"]
    assert run is not None
    assert run.number == 24
    inner = function(TEXT, "f/inner")
    step = Flow(inner).steps[0]
    assert (step.kind, step.flags, step.calls) == ("expr", "a", ())  # `Session` is known to nobody here


def test_questions() -> None:
    flow = Flow(function(TEXT))
    steps = flow.steps
    assert [step.number for step in flow.ancestors(steps[7])] == [6, 4, 3, 2]
    assert [step.number for step in flow.body()] == [0, 1, 2, 16, 17, 21, 24]
    assert [step.number for step in flow.body(steps[2], "handler")] == [9, 11]
    assert [step.number for step in flow.below(steps[3])] == [4, 5, 6, 7, 8]
    assert [step.number for step in flow.after(steps[2])][:2] == [16, 17]
    closing = steps[14]
    assert flow.inside(closing, "try", "finally") == steps[2]
    assert flow.inside(steps[8], "try", "body") == steps[2]
    assert flow.inside(steps[8], "try", "finally") is None
    assert flow.inside(steps[10], "try", "handler") == steps[2]


def test_whether_statements_always_leave() -> None:
    def ends(body: str) -> bool:
        indented = "".join(f"    {line}\n" for line in body.splitlines())
        flow = Flow(function(f"def f(a):\n{indented}"))
        return flow.ends(flow.body())

    assert ends("return a")
    assert ends("if a:\n    return 1\nelse:\n    raise a")
    assert not ends("if a:\n    return 1")
    assert ends("with a:\n    return 1")
    assert ends("try:\n    return 1\nexcept ValueError:\n    raise")
    assert not ends("try:\n    return 1\nexcept ValueError:\n    pass")
    assert ends("try:\n    a()\nfinally:\n    return 1")
    assert not ends("for x in a:\n    return x")


TELLING = (
    "import shop\n\ndef a():\n    shop.send(1)\n\n"
    "def b():\n    shop.resend(x.send)\n\ndef c(when):\n    shop.sender(eta=when, täsk='é … ask')\n"
    "    raise shop.Lost\n\nshop.send(2)\n"
)


def test_functions_are_found_by_words_of_their_calls_and_taken_apart_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    modules = [read_module(path, Source(path, TELLING)) for path in ("shop/one.py", "shop/two.py")]
    taken: list[str] = []

    def counted(text: str) -> list[bytes]:
        taken.append(text)
        return words_of(text)

    monkeypatch.setattr("celery_lint.model.words.words_of", counted)
    functions = Functions()

    def found(*names: str) -> list[tuple[str, str]]:
        return [(m.path, f.qualname) for m, f in functions.mentioning(modules, names)]

    assert found("send") == [(path, name) for path in ("shop/one.py", "shop/two.py") for name in "ab"]
    assert found("sender", "nothing") == [("shop/one.py", "c"), ("shop/two.py", "c")]
    assert len(taken) == 4 * 2
    assert found() == []


@pytest.mark.parametrize(
    "words",
    [
        (".send",),
        ("send",),
        ("send", ".resend"),
        ("eta:",),
        (":=%whe",),
        ("when",),
        ("ask",),
        ("täsk",),
        ("sk:",),
        ("shop.send\t",),
        ("x.send", "eta:"),
        ("nothing",),
        ("…",),
        ("\t",),
        (),
    ],
)
def test_who_holds_a_text_is_found_by_its_words(words: tuple[str, ...]) -> None:
    """The same functions as if all of them were asked, in the same order."""
    module = read_module("shop/tasks.py", Source("shop/tasks.py", TELLING))
    every = module.functions.values()
    functions = Functions()
    for find, asks in (
        (functions.calling, Function.may_call),
        (functions.holding, Function.mentions),
        (functions.stating, Function.states),
    ):
        assert [f.qualname for _, f in find([module], *words)] == [
            f.qualname for f in every if asks(f, *words)
        ]
    functions.forget(module)
    assert [f for _, f in functions.holding([module], *words)] == [f for f in every if f.mentions(*words)]


def test_who_says_a_word() -> None:
    module = read_module("shop/tasks.py", Source("shop/tasks.py", TELLING))
    said = Functions().saying([module], {"Lost", "send", "when", "sk", "nothing"})
    assert [(function.qualname, names) for _, function, names in said] == [
        ("", {"send"}),
        ("a", {"send"}),
        ("b", {"send"}),
        ("c", {"when", "Lost"}),
    ]


def module(path: str, text: str) -> Module:
    return read_module(path, Source(path, text))


def test_functions_are_found_by_the_words_that_they_say() -> None:
    one = module("a.py", "import mail\ndef f():\n    mail.send('1', x1)\ndef g():\n    mail.open()\n")
    two = module("b.py", "import mail\ndef f():\n    mail.send('beta')\n")
    words = Words(lambda function: function.packed_calls)
    words.add([one, two])
    assert words.saying(["send"]) == {"a.py": {"f"}, "b.py": {"f"}}
    assert words.saying(["1"])["a.py"] >= {"f"}  # a place has the number as well
    assert words.that_may_hold([".open\t"]) == {"a.py": {"g"}}
    assert words.that_may_hold(["'bet"]) == {"b.py": {"f"}}
    assert words.that_may_hold(["'1"]) is None
    words.forget(two)
    assert words.saying(["send"]) == {"a.py": {"f"}}
    words.add([module("b.py", "import mail\ndef h():\n    mail.send()\n")])
    assert words.saying(["send"]) == {"a.py": {"f"}, "b.py": {"h"}}
    words.forget(one)
    words.forget(one)
    assert words.saying(["send", "1"]) == {"b.py": {"h"}}


def test_modules_are_found_by_words_of_their_own() -> None:
    one, two = module("a.py", "x = y\n"), module("b.py", "x = 1\n")
    words = ModuleWords(
        lambda each: [*each.bindings, *(v.chain for vs in each.bindings.values() for v in vs)]
    )
    assert words.saying([one, two], ["x", "~y"]) == {"a.py": {"x", "~y"}, "b.py": {"x"}}
    words.forget(one)
    assert words.saying([two], ["x", "~y"]) == {"b.py": {"x"}}
    assert words.saying([module("a.py", "z = 1\n")], ["x", "z"]) == {"a.py": {"z"}, "b.py": {"x"}}
