"""CEL724 route-matches-nothing."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.wiring.named_tasks import NamedTasks, UnknownName, UselessEntries
from celery_lint.rule import Finding, Rule, on

_SHOWN = 3
_ONE = "no task is named `{name}`: what is set for it has no effect"
_SEVERAL = "no task is named `{name}`: this entry and {more} more have no effect"
_UNREAD = "write `{guess}`, and start a worker with `-Q {queue}`: none consumes it. Or remove the route"
_GLOB = "no task matches `{name}`: what is set for it has no effect"
_STARRED = "name each task, and take `{option}` out of `*`: that is applied last and wins over names"
_WHOLE = "`task_annotations` are for one task by its whole name, or `*` for all of them"


class RouteMatchesNothing(Rule):
    """A route or an annotation is for a task that does not exist.

    ## Why it matters

    The task that was meant goes to the default queue, with its own limits: a worker that was set aside for it
    has nothing to do, and slow work stands in the way of fast work.

    ## Example

    ```python
    from celery import Celery

    app = Celery("shop", broker="redis://localhost:6379/0")


    @app.task(name="shop.render_video", ignore_result=True, time_limit=60, soft_time_limit=50)
    def render_video():
        print("rendered")


    app.conf.task_routes = {"shop.render_vidoe": {"queue": "slow"}}
    ```

    ## Use instead

    ```python
    from celery import Celery

    app = Celery("shop", broker="redis://localhost:6379/0")


    @app.task(name="shop.render_video", ignore_result=True, time_limit=60, soft_time_limit=50)
    def render_video():
        print("rendered")


    app.conf.task_routes = {"shop.render_video": {"queue": "slow"}}
    ```

    ## Limits

    Of routes only names and patterns that end in `.*` are looked at, and of these only such as no task
    matches and which are all but for a letter or two what sent tasks begin with that have no other route.
    `task_annotations` know no patterns: an entry there is for the task of this very name, or `"*"` for
    all (applied last, over those of a name), so that `"shop.*"` is for none. Each table is told once, at
    the first of its entries that is for no task and is meant for one that is there: what is left of a
    task that is gone changes nothing. So it speaks only where a task is named nearly so, a plain function
    is, or, in `task_annotations`, where the name is what names of tasks begin with; and it says nothing
    where names may exist that nobody can see, see CEL710. Silent too of a route for a task that names a
    queue itself (`@app.task(queue="slow")`), which wins over every route, where the task that is meant
    has an entry of its own beside it, where nothing sends that task, while others are sent, of routes
    that the module sets anew further down, and of those that say nothing but the default queue of the
    application, unless a pattern beside them sends such a task elsewhere.

    ## References

    * <https://docs.celeryq.dev/en/stable/userguide/routing.html#automatic-routing>
    """

    code = "CEL724"
    name = "route-matches-nothing"
    severity = "warning"
    preset = "recommended"
    message = _ONE
    help = "did you mean `{guess}`?"
    variants = {
        "unread": (_ONE, _UNREAD),
        "function": (_ONE, "make the function `{name}` a task, or remove the entry"),
        "several function": (_SEVERAL, "make the function `{name}` a task, or remove the entries"),
        "several unread": (_SEVERAL, _UNREAD),
        "several": (_SEVERAL, "did you mean `{guess}`? no task is named `{others}` either"),
        "pattern": (
            "`{name}` names no task: `task_annotations` know no patterns, it has no effect",
            "name each task, or `*` for all of them",
        ),
        "glob": (_GLOB, "did you mean `{guess}`?"),
        "glob unread": (_GLOB, _UNREAD),
        "starred": (_ONE, _STARRED),
        "several starred": (_SEVERAL, _STARRED),
        "starred pattern": (
            "`{name}` names no task: `task_annotations` know no patterns, it has no effect",
            _STARRED,
        ),
        "several starred pattern": (
            "`{name}` names no task: this entry and {more} more have no effect",
            _STARRED,
        ),
        "prefix": (_ONE, _WHOLE),
        "several prefix": (_SEVERAL, _WHOLE),
        "several pattern": (
            "`{name}` names no task: this entry and {more} more have no effect",
            "`task_annotations` know no patterns: name each task, or `*` for all of them",
        ),
    }
    proof = "tests/proofs/test_wiring.py::test_a_route_for_another_name_changes_nothing"
    fixable = "unsafe"

    @on(NamedTasks.routed)
    def check(self, fact: UselessEntries) -> Iterator[Finding]:
        """Report the first of the entries."""
        first, others, starred = fact
        values = {
            "name": first.name,
            "guess": first.missing.guess,
            "queue": first.unread,
            "more": len(others),
            "option": starred,
            "others": "`, `".join(other.name for other in others[:_SHOWN]),
        }
        kind = "unread" if first.unread else ""
        why = first.missing.why
        if why in ("pattern", "prefix") or (why == "function" and not first.missing.guess):
            kind = why
        if why == "glob":
            kind = "glob unread" if first.unread else "glob"
        if starred:
            kind = "starred pattern" if kind == "pattern" else "starred"
        variant = f"several {kind}" if others else kind
        related = tuple([(other.place, _wrong(other)) for other in others[:_SHOWN]])
        # By its right name the task would wait in a queue that nobody reads.
        mends = first.missing.guess and not first.unread and not starred
        fix = (first.name, first.missing.guess) if mends else None
        yield Finding(first.place, values, related, variant.strip(), fix)


def _wrong(entry: UnknownName) -> str:
    guess = entry.missing.guess
    if entry.missing.why == "pattern":
        return f"`{entry.name}` is no pattern here"
    return f"did you mean `{guess}`?" if guess else f"no task is named `{entry.name}`"
