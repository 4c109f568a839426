"""Proofs of time limits."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import version

import pytest

from tests.proofs.harness import Servers, Worker
from tests.proofs.pools import pools

Start = Callable[..., Worker]

CLEAN = {"clean-up began", "clean-up ended"}


@pytest.mark.proof("CEL511")
@pools("prefork", long=["solo", "threads", "gevent", "eventlet"])
def test_a_soft_limit_above_the_hard_one_is_refused(start: Start, servers: Servers, pool: str) -> None:
    """Celery 5.5 does not send such a task."""
    if tuple(map(int, version("celery").split(".")[:2])) < (5, 5):
        pytest.skip("Celery before 5.5 sends such a task")
    worker = start("limits", pool, servers)
    assert worker.bad("sends", "soft_above_hard").failed_only_with(
        r"ValueError: soft_time_limit must be less than or equal to time_limit"
    )
    assert worker.good("sends", "soft_below_hard").all_succeeded()


@pytest.mark.proof("CEL511")
@pools("prefork")
def test_a_soft_limit_that_is_not_below_leaves_no_time(start: Start, servers: Servers, pool: str) -> None:
    """Whoever sends the task may still give it such limits: the hard one strikes behind the soft one."""
    worker = start("limits", pool, servers)
    assert worker.bad("one_limit_for_both").failed_only_with("TimeLimitExceeded: .*")
    assert worker.marks() == {"clean-up began"}
    above = {"soft_time_limit": 3, "time_limit": 1}
    assert worker.bad("limits_of_the_call", **above).failed_only_with("TimeLimitExceeded: .*")
    assert worker.marks() == {"went on", "clean-up began"}


@pytest.mark.proof("CEL534")
@pools("prefork", long=["gevent"])
def test_a_hard_limit_below_the_soft_one_of_the_application_never_strikes(
    start: Start, servers: Servers, pool: str
) -> None:
    """Prefork counts for the hard limit when the soft one has struck; gevent knows no soft one."""
    worker = start("limits_of_application", pool, servers)
    if pool == "gevent":
        assert worker.good("hard_alone").failed_only_with("TimeLimitExceeded: .*")
        return
    assert worker.bad("hard_alone").all_succeeded()
    assert worker.marks() == {"went on"}
    assert worker.good("both").failed_only_with("TimeLimitExceeded: .*")


@pytest.mark.proof("CEL514")
@pools("threads", "gevent", long=["prefork", "solo", "eventlet"])
def test_only_prefork_has_a_soft_limit(start: Start, servers: Servers, pool: str) -> None:
    """The other pools run the task to its end and say nothing."""
    worker = start("limits", pool, servers)
    if pool == "prefork":
        assert worker.good("soft_only").failed_only_with("SoftTimeLimitExceeded: .*")
        assert worker.marks() == CLEAN
    else:
        assert worker.bad("soft_only").all_succeeded()
        assert worker.marks() == {"went on", *CLEAN}


@pytest.mark.proof("CEL514")
@pools("threads", long=["gevent", "solo", "eventlet"])
def test_two_pools_have_a_hard_limit(start: Start, servers: Servers, pool: str) -> None:
    """Prefork and gevent; the others run the task to its end and say nothing."""
    worker = start("limits", pool, servers)
    if pool == "gevent":
        assert worker.good("hard_only").failed_only_with("TimeLimitExceeded: .*")
        assert worker.marks() == CLEAN
    else:
        assert worker.bad("hard_only").all_succeeded()
        assert worker.marks() == {"went on", *CLEAN}


@pytest.mark.proof("CEL512")
@pools("prefork")
def test_the_hard_limit_leaves_no_time_to_clean_up(start: Start, servers: Servers, pool: str) -> None:
    """The process gets a tenth of a second from SIGTERM to SIGKILL, in the middle of a ``finally`` too."""
    worker = start("limits", pool, servers)
    assert worker.bad("hard_only").failed_only_with("TimeLimitExceeded: .*")
    assert worker.marks() <= {"clean-up began"}
    assert worker.good("soft_only").failed_only_with("SoftTimeLimitExceeded: .*")
    assert worker.marks() == CLEAN
