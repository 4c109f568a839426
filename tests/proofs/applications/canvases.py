"""Tasks that send canvases, and what is made of tasks and results in the wrong place."""

from __future__ import annotations

from application import app, mark
from celery import chain, chord, group


@app.task
def one() -> int:
    """Has a result."""
    mark("one")
    return 1


@app.task
def notify(order: int) -> None:
    """Takes one argument."""
    mark(f"notified of {order}")


@app.task
def after() -> None:
    """Takes nothing."""
    mark("after")


# ------------------------------------------------------------------------- results come first


@app.task
def chains_one_too_many() -> str:
    """`notify` gets the result and the order."""
    return str(chain(one.s(), notify.s(7)).delay().id)


@app.task
def chains_one_twice() -> str:
    """The result is the order."""
    return str((one.s() | notify.s(order=7)).delay().id)


@app.task
def chords_with_a_body_of_nothing() -> str:
    """The body gets the results."""
    return str(chord([one.s(), one.s()], after.s()).delay().id)


@app.task
def links_what_takes_nothing() -> str:
    """The linked task gets the result."""
    return str(one.apply_async(link=after.s()).id)


@app.task
def pipes_a_group_into_nothing() -> str:
    """The body of a chord takes nothing."""
    return str((group(one.s(), one.s()) | after.s()).delay().id)


@app.task
def links_what_takes_nothing_to_a_chain() -> str:
    """The link of a chain is that of its last task."""
    return str(chain(one.s(), one.si()).apply_async(link=after.s()).id)


@app.task
def chains_immutably() -> str:
    """As it should be."""
    return str(chain(one.s(), notify.si(7)).delay().id)


# --------------------------------------------------------------- tasks and results for their names


@app.task
def sends_a_task_by_itself() -> None:
    """A task is no name."""
    app.send_task(one)


@app.task
def sends_a_task_by_name() -> None:
    """Its name is."""
    app.send_task(one.name)


@app.task
def revokes_a_result() -> None:
    """A result is no id."""
    app.control.revoke(one.apply_async(countdown=60))


@app.task
def revokes_an_id() -> None:
    """As it should be."""
    app.control.revoke(one.apply_async(countdown=60).id)


@app.task
def links_to_a_group() -> None:
    """A group has no link."""
    group(one.s(), one.s()).apply_async(link=after.si())


@app.task
def links_errors_to_a_group() -> None:
    """Neither for errors."""
    group(one.s(), one.s()).apply_async(link_error=after.si())


@app.task
def pipes_a_group() -> None:
    """A chord is what was meant."""
    (group(one.s(), one.s()) | after.si()).apply_async()


# ------------------------------------------------------------------------- bodies of chords


@app.task
def applies_a_chord_without_a_body() -> None:
    """The body is taken for arguments of the header."""
    chord([one.s(), one.s()]).apply_async(after.si())


@app.task
def delays_a_chord_without_a_body() -> None:
    """Nobody has said what runs afterwards."""
    chord([one.s(), one.s()]).delay()


@app.task
def calls_a_chord_without_a_body() -> None:
    """Nor here."""
    chord([one.s(), one.s()])()


@app.task
def calls_a_chord_with_a_body() -> None:
    """The call takes it."""
    chord([one.s(), one.s()])(after.si())
