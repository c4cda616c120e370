"""The envelope of a queued job, kept beside its record: here to try it again, there to give it back."""

from __future__ import annotations

import os

from reconciler.model.observed import Present

from .record import Records, home_of

_NAME = "order.json"


def keep_order(records: Records, job_id: str, envelope: bytes) -> None:
    """Keep the envelope, for its owner alone. Raises ReconcilerError if it cannot be written."""
    records.files.make_folder(home_of(records, job_id), 0o700)
    records.files.write(os.path.join(home_of(records, job_id), _NAME), envelope, 0o600)


def order_of(records: Records, job_id: str) -> bytes:
    """The kept envelope; empty if there is none."""
    found = records.files.read(os.path.join(home_of(records, job_id), _NAME))
    return found.value if isinstance(found, Present) else b""
