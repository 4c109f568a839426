"""Tasks that are sent, waited for and revoked."""

from __future__ import annotations

import time
from typing import Any

from application import app, mark


@app.task
def add(first: int, second: int) -> int:
    return first + second


@app.task
def total(numbers: list[int]) -> int:
    return sum(numbers)


@app.task
def fail() -> None:
    raise ValueError("no users")


@app.task(bind=True)
def wait(self: Any, name: str, seconds: float = 30) -> str:
    mark(f"{name}-begun")
    try:
        time.sleep(seconds)
    finally:
        mark(f"{name}-ended")
    return name
