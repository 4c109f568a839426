"""Which call sends which task, with what, and how a task may be called."""

from __future__ import annotations

import pytest

from celery_lint.inventory.tasks.sendings import Sending, Sendings
from celery_lint.inventory.tasks.signatures import Signatures, mismatch
from celery_lint.inventory.tasks.tasks import Tasks
from celery_lint.project.known import Known
from tests.project.test_resolving import linked

HEAD = "from celery import Celery, Task, chain, shared_task, signature\nfrom third import Base, wrap\n"
TASKS = """
app = Celery("shop")


def made(function):
    return shared_task(bind=True)(function)


def shortening(function):
    @shared_task
    def run(*args, **kwargs):
        return function(*args[1:], **kwargs)

    return run


class Kept(Task):
    def delay(self, *args):
        return self.apply_async(args)


class Called(Task):
    def __call__(self, *args, **kwargs):
        return self.run(*args, **kwargs)


class Sync(Task):
    name = "sync"

    def run(self, pk, full=False): ...


@app.task
def add(x, y=1, *, z, w=2): ...


@app.task(bind=True, base=Called)
def bound(self, x): ...


@shared_task(typing=False)
def loose(x, *args, **kwargs): ...


@made
def wrapped(x): ...


@shortening
def shortened(x): ...


@app.task
@wrap
def inner(x): ...


@wrap
@app.task
def outer(x): ...


@app.task(base=Kept)
def kept(x): ...


@app.task(base=Base)
def foreign(x): ...


@app.task(**OPTIONS)
def hidden(x): ...


@app.task
def twice(x): ...


twice = wrap(twice)


@app.task(bind=True)
def selfless(): ...


@app.task
def again(x): ...


@app.task
def again(y): ...
"""


def known(text: str) -> Known:
    return Known(linked({"shop/__init__.py": "", "shop/tasks.py": HEAD + TASKS + text}))


def sendings(text: str) -> list[Sending]:
    return [sending for sending in known(text).of(Sendings).all if sending.function.name == "f"]


SIGNATURES = {
    "add": "(x, y=…, *, z, w=…)",
    "bound": "(x)",
    "loose": "(x, *args, **kwargs)",
    "Sync": "(pk, full=…)",
    "wrapped": "()",
    "shortened": "it is made by `shortening`, which may change its arguments",
    "inner": "`@third.wrap` below the task decorator may change its arguments",
    "outer": "`@third.wrap` above the task decorator may put something else in its place",
    "kept": "its class has its own `delay`",
    "foreign": "nobody can tell whether it is bound",
    "hidden": "nobody can tell whether it is bound",
    "twice": "`twice` is bound to something else as well",
    "selfless": "it does not take the task that is put in front of its arguments",
    "again": "`again` is defined several times",
}


@pytest.mark.parametrize("name", SIGNATURES)
def test_signatures(name: str) -> None:
    """Each as its caller sees it, or why nobody can tell."""
    project = known("")
    [task] = [task for task in project.of(Tasks).all if task.qualname == name]
    signatures = project.of(Signatures)
    found = signatures.of(task)
    assert (found.spelled if found is not None else signatures.doubt(task)) == SIGNATURES[name]
    assert signatures.is_checked(task) is (name not in ("loose", "Sync", "inner", "shortened"))


@pytest.mark.parametrize("method", ["task", "_task_from_fun", "register_task"])
def test_an_application_may_make_its_tasks_itself(method: str) -> None:
    """Nobody knows what it makes of their functions."""
    project = Known(
        linked(
            {
                "tasks.py": "from celery import Celery, shared_task\nclass App(Celery):\n"
                f"    def {method}(self, *given): ...\napp = App('x')\n@shared_task\ndef add(x): ...\n"
            }
        )
    )
    [task] = project.of(Tasks).all
    assert project.of(Signatures).doubt(task) == f"the class of its application has its own `{method}`"


SENDINGS = {
    "add.delay(1, z=2)": "delay add 1 z",
    "add.delay(*xs, **ys)": "delay add 0+ +",
    "add.apply_async((1, 2), {'z': 3}, countdown=5)": "apply_async add 2 z countdown",
    "add.apply_async(args=[*xs], kwargs=dict(z=1, **ys))": "apply_async add 0+ z+",
    "add.apply_async(xs)": "apply_async add ?",
    "add.apply_async(**xs)": "apply_async add ? **",
    "add.apply_async(None, {key: 1})": "apply_async add 0 +",
    "add.apply(xs + ys)": "apply add ?",
    "add.s(1)": "s add 1",
    "add.si(1).apply_async(queue='x')": "si add 1; apply_async add 0 queue",
    "add.subtask((1,))": "signature add 1",
    "add.signature([1], {'z': 1})": "signature add 1 z",
    "signature('shop.tasks.add', args=(1, 2))": "signature add 2",
    "signature('shop.tasks.gone', (1,))": "signature None 1",
    "app.signature('sync', (1,))": "signature Sync 1",
    "app.send_task('sync', (1,), {'full': True}, priority=1)": "send_task Sync 1 full priority",
    "app.send_task(name, args=xs)": "send_task None ?",
    "Sync().delay(1)": "delay Sync 1",
    "add.delay_on_commit(1)": "delay_on_commit add 1",
    "chain(add.s(1)).delay()": "s add 1; delay None 0",
    "xs.delay(1)": "",
    "wrap.send_task('x')": "",
    "wrap.signature(add)": "",
}


@pytest.mark.parametrize("text", SENDINGS)
def test_sendings(text: str) -> None:
    """How, which task, how many arguments, which keywords, which options."""
    told = []
    for sending in sendings(f"\n\ndef f(xs, ys, key, name):\n    {text}\n"):
        given = sending.given
        words = [sending.how, sending.task.label if sending.task is not None else "None"]
        if given is None:
            words.append("?")
        else:
            words.append(f"{len(given.positional)}{'+' * given.more_positional}")
            names = " ".join(name for name, _ in given.keywords) + "+" * given.more_keywords
            words += [names] if names else []
        words += [name for name, _ in sending.options]
        told.append(" ".join(words))
    assert sorted(told) == sorted(filter(None, SENDINGS[text].split("; ")))


MISMATCHES = {
    "add.delay(1, z=1)": None,
    "add.delay(1, 2, 3, z=1)": "many",
    "add.delay(1, y=2, z=3, v=1)": "unknown",
    "add.delay(1, 2, y=2, z=3)": "twice",
    "add.delay(1)": "missing",
    "add.delay(*xs, z=1)": None,
    "add.delay(1, **xs)": None,
    "loose.delay()": "missing",
    "loose.delay(1, 2, a=3)": None,
}


@pytest.mark.parametrize("text", MISMATCHES)
def test_mismatches(text: str) -> None:
    """What certainly does not fit."""
    project = known(f"\n\ndef f(xs):\n    {text}\n")
    [sending] = project.of(Sendings).all
    assert sending.task is not None
    signature, given = project.of(Signatures).of(sending.task), sending.given
    assert signature is not None
    assert given is not None
    found = mismatch(signature, given)
    assert (found.kind if found is not None else None) == MISMATCHES[text]
    partial = mismatch(signature, given, partial=True)
    assert (partial is not None) is (found is not None and found.kind != "missing")


def test_an_argument_that_comes_first_counts() -> None:
    """The result of the task before."""
    project = known("\n\ndef f():\n    bound.s(1)\n")
    [sending] = project.of(Sendings).all
    assert sending.task is not None
    signature, given = project.of(Signatures).of(sending.task), sending.given
    assert signature is not None
    assert given is not None
    assert mismatch(signature, given, partial=True) is None
    found = mismatch(signature, given, before=1, partial=True)
    assert found is not None
    assert (found.kind, found.taken, found.given) == ("many", 1, 2)


def test_the_task_around() -> None:
    """Also from a function in it."""
    sent = "add.delay(1, z=1)"
    project = known(f"\n\n@app.task\ndef f():\n    def g():\n        {sent}\n    {sent}\n")
    found = project.of(Sendings)
    assert [task.label for sending in found.all if (task := found.task_around(sending))] == ["f", "f"]
