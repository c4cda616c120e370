"""Look without ever failing: what goes wrong becomes part of the facts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from reconciler.model.errors import ReconcilerError
from reconciler.model.observed import Observed, Present, Unknown

T = TypeVar("T")
U = TypeVar("U")
_AT_ONCE = 4  # programs of others that are asked at the same time: each may take its whole time limit


def attempted(look: Callable[[], T]) -> Observed[T]:
    """What `look` returns; `Unknown` with the reason if it raises an error for the user, or the system refuses."""
    try:
        return Present(look())
    except ReconcilerError as error:
        return Unknown(": ".join(filter(None, (error.summary, error.detail))), error.fix)
    except OSError as error:
        return Unknown(": ".join(filter(None, (error.filename and str(error.filename), error.strerror or str(error)))))
    except ValueError as error:
        return Unknown(str(error))


def flat(found: Observed[Observed[T]]) -> Observed[T]:
    """The inner answer of a look that itself says whether something is there."""
    return found.value if isinstance(found, Present) else found


def at_once(look: Callable[[U], T], subjects: Iterable[U]) -> Sequence[T]:
    """The answers to several slow looks, in their order."""
    with ThreadPoolExecutor(_AT_ONCE) as threads:
        return list(threads.map(look, subjects))
