"""Do what takes time in a thread; the server does not wait for it when it stops."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from threading import Thread
from typing import TypeVar

_T = TypeVar("_T")


async def in_thread(task: Callable[[], _T]) -> _T:
    """The result of a task, or its error."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[_T] = loop.create_future()

    def run() -> None:
        try:
            result = task()
        except Exception as error:  # noqa: BLE001 - the caller that waits gets it
            _later(loop, future, partial(future.set_exception, error))
        else:
            _later(loop, future, partial(future.set_result, result))

    Thread(target=run, daemon=True).start()
    return await future


def _later(loop: asyncio.AbstractEventLoop, future: asyncio.Future[_T], conclude: Callable[[], object]) -> None:
    with suppress(RuntimeError):  # the loop has ended
        loop.call_soon_threadsafe(lambda: None if future.done() else conclude())
