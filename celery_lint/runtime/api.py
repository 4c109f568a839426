"""Scheduled jobs over HTTP: a router of FastAPI over :class:`~celery_lint.runtime.jobs.Jobs`.

It needs the extra ``api``. Who may call it has to be said: see :func:`make_router`. Endpoints are plain
functions, so that databases and brokers are waited for in threads. Answers:

* 404: there is no such job or execution
* 409: the key is taken; the run has ended, or runs and can only be ended by force
* 422: what was sent could not run or could not be stored, with a sentence that says why
* 503: the database or the broker cannot be reached
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from fastapi import APIRouter, Depends, Header, HTTPException, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException as StarletteHTTPException

from celery_lint.runtime import records
from celery_lint.runtime.fields import LARGEST, InvalidJob
from celery_lint.runtime.jobs import DuplicateJob, Jobs, NotCancelled, NotSent, UnknownExecution, UnknownJob
from celery_lint.runtime.models import ScheduledJobExecution
from celery_lint.runtime.transient import may_pass
from celery_lint.runtime.views import ExecutionView, InstanceView, JobFields, JobView, NewJob, Problem, State

#: How many rows an answer may hold.
MOST_ROWS = 500
_ANSWERS: dict[int | str, dict[str, Any]] = {
    404: {"model": Problem, "description": "There is no such job or execution."},
    409: {"model": Problem, "description": "The key is taken, or the run is not in a state for this."},
    422: {"model": Problem, "description": "It could not run, or could not be stored."},
    503: {"model": Problem, "description": "The database or the broker cannot be reached."},
}


def make_router(
    jobs: Jobs,
    *,
    dependencies: Sequence[Any] = (),
    allow_anonymous: bool = False,
    show_errors: bool | Callable[..., bool] = False,
    prefix: str = "/scheduler",
) -> APIRouter:
    """The endpoints over these jobs.

    Whoever may call them starts tasks with arguments of their choice, so who that is has to be said:
    ``dependencies`` are FastAPI's, and raise for those who may not (``[Depends(require_administrator)]``);
    ``allow_anonymous=True`` lets everybody in who can reach the port.

    What a task raised may hold addresses, names or passwords. ``show_errors`` is who may read it, and the
    summaries of runs: everybody who may call (``True``), nobody, or those for whom a dependency returns true.

    Raises ``ValueError`` unless exactly one of ``dependencies`` and ``allow_anonymous`` is given.
    """
    if bool(dependencies) == allow_anonymous:
        raise ValueError(
            "say who may call the scheduler: dependencies=[Depends(...)], or allow_anonymous=True"
        )
    may_see = show_errors if callable(show_errors) else lambda: show_errors
    router = APIRouter(
        prefix=prefix,
        tags=["scheduler"],
        dependencies=list(dependencies),
        responses=_ANSWERS,
        route_class=_Route,
    )

    def shown(run: ScheduledJobExecution, texts: bool) -> ExecutionView:
        view = ExecutionView.model_validate(run)
        if not texts:
            view.error_message = view.result_summary = None
        return view

    @router.get("/jobs")
    def list_jobs(
        response: Response,
        limit: int = Query(100, ge=1, le=MOST_ROWS),
        offset: int = Query(0, ge=0, le=LARGEST),
    ) -> list[JobView]:
        """The jobs by key; `X-Total-Count` says how many there are."""
        response.headers["X-Total-Count"] = str(jobs.count())
        return [JobView.model_validate(job) for job in jobs.all(limit, offset)]

    @router.post("/jobs", status_code=201)
    def create_job(fields: NewJob) -> JobView:
        """Create a job."""
        return JobView.model_validate(jobs.create(**fields.model_dump(exclude_unset=True)))

    @router.get("/jobs/{job_id}")
    def get_job(job_id: str) -> JobView:
        """One job."""
        return JobView.model_validate(jobs.get(job_id))

    @router.patch("/jobs/{job_id}")
    def update_job(job_id: str, fields: JobFields) -> JobView:
        """Change the fields that are sent; the job is checked as it will be."""
        return JobView.model_validate(jobs.update(job_id, **fields.model_dump(exclude_unset=True)))

    @router.delete("/jobs/{job_id}", status_code=204, response_class=Response, response_model=None)
    def remove_job(job_id: str) -> None:
        """Run a job no more. Its executions are kept, and its key is free again."""
        jobs.remove(job_id)

    @router.post("/jobs/{job_id}/pause")
    def pause_job(job_id: str) -> JobView:
        """Keep a job and do not run it."""
        return JobView.model_validate(jobs.pause(job_id))

    @router.post("/jobs/{job_id}/resume")
    def resume_job(job_id: str) -> JobView:
        """Run a paused job again, from its next moment on."""
        return JobView.model_validate(jobs.resume(job_id))

    @router.post("/jobs/{job_id}/trigger", status_code=202)
    def trigger_job(
        job_id: str,
        texts: bool = Depends(may_see),
        idempotency_key: str | None = Header(None, min_length=1, max_length=100),
    ) -> ExecutionView:
        """Run a job now. The same `Idempotency-Key` again runs nothing and answers with the first run."""
        return shown(jobs.trigger(job_id, idempotency_key), texts)

    @router.get("/jobs/{job_id}/executions")
    def list_executions_of_job(
        job_id: str,
        response: Response,
        texts: bool = Depends(may_see),
        limit: int = Query(50, ge=1, le=MOST_ROWS),
        offset: int = Query(0, ge=0, le=LARGEST),
        status: State | None = None,
    ) -> list[ExecutionView]:
        """The runs of a job, also of a removed one, the latest first."""
        response.headers["X-Total-Count"] = str(jobs.count_executions(job_id, status))
        return [shown(run, texts) for run in jobs.executions(job_id, limit, offset, status)]

    @router.get("/executions")
    def list_executions(
        response: Response,
        texts: bool = Depends(may_see),
        limit: int = Query(50, ge=1, le=MOST_ROWS),
        offset: int = Query(0, ge=0, le=LARGEST),
        status: State | None = None,
    ) -> list[ExecutionView]:
        """The runs of all jobs, the latest first."""
        response.headers["X-Total-Count"] = str(jobs.count_executions(status=status))
        return [shown(run, texts) for run in jobs.executions(None, limit, offset, status)]

    @router.get("/executions/{execution_id}")
    def get_execution(execution_id: str, texts: bool = Depends(may_see)) -> ExecutionView:
        """One run."""
        return shown(jobs.execution(execution_id), texts)

    @router.post("/executions/{execution_id}/cancel")
    def cancel_execution(
        execution_id: str, texts: bool = Depends(may_see), terminate: bool = False
    ) -> ExecutionView:
        """Do not make a run that waits; with `terminate=true` also end one that is under way."""
        return shown(jobs.cancel(execution_id, terminate=terminate), texts)

    @router.get("/instances")
    def list_instances() -> list[InstanceView]:
        """The scheduler processes that are alive."""
        return [InstanceView.model_validate(instance) for instance in jobs.instances()]

    return router


class _Route(APIRoute):
    """A route whose refusals are sentences, and whose errors of jobs and databases are answers."""

    def get_route_handler(self) -> Any:
        handle = super().get_route_handler()

        async def answer(request: Request) -> Response:
            try:
                with _told():
                    response: Response = await handle(request)
                    return response
            except RequestValidationError as error:
                return JSONResponse({"detail": "; ".join(_sentences(error))}, 422)
            except StarletteHTTPException as error:
                if error.status_code != 400:
                    raise
                # What Python's own reader of JSON refuses: numbers of thousands of digits, endless nesting.
                raise HTTPException(422, "the body: it cannot be read as JSON") from error

        return answer


def _sentences(error: RequestValidationError) -> Iterator[str]:
    for problem in error.errors():
        place = ".".join(str(part) for part in problem["loc"] if part != "body")
        yield f"{records.said(place) or 'the body'}: {problem['msg']}"


@contextmanager
def _told() -> Iterator[None]:
    """Errors of jobs as answers."""
    try:
        yield
    except (UnknownJob, UnknownExecution) as error:
        raise HTTPException(404, str(error)) from error
    except (DuplicateJob, NotCancelled) as error:
        raise HTTPException(409, str(error)) from error
    except InvalidJob as error:
        raise HTTPException(422, str(error)) from error
    except NotSent as error:
        raise HTTPException(503, f"{error}: the broker cannot be reached") from error
    except Exception as error:
        if not may_pass(error):
            raise
        raise HTTPException(503, "the database or the broker cannot be reached") from error


__all__ = ["MOST_ROWS", "make_router"]
