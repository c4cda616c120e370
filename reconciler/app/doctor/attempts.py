"""Look without raising: an error becomes part of the facts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from reconciler.model.errors import ReconcilerError
from reconciler.model.observed import Observed, Present, Unknown

T = TypeVar("T")
U = TypeVar("U")
_AT_ONCE = 4  # other programs that run at the same time; each may use its whole time limit


def attempt(look: Callable[[], T]) -> Observed[T]:
    """Call `look`, and return its result; `Unknown` with the reason if it raises a user error or a system error."""
    try:
        return Present(look())
    except ReconcilerError as error:
        return Unknown(": ".join(filter(None, (error.summary, error.detail))), error.fix)
    except OSError as error:
        return Unknown(": ".join(filter(None, (error.filename and str(error.filename), error.strerror or str(error)))))
    except ValueError as error:
        return Unknown(str(error))


def flattened(found: Observed[Observed[T]]) -> Observed[T]:
    """Remove one level: for a `look` that itself returns Present, Absent or Unknown."""
    return found.value if isinstance(found, Present) else found


def at_once(look: Callable[[U], T], subjects: Iterable[U]) -> Sequence[T]:
    """Look at several subjects in threads; the results are in the order of the subjects."""
    with ThreadPoolExecutor(_AT_ONCE) as threads:
        return list(threads.map(look, subjects))
