"""The options with which `answer` and `job answer` name a request and answer it."""

from __future__ import annotations

from typing import Annotated

from reconciler.agents.permission import Answer
from reconciler.cli.parameters import Argument, Option

Choice = Annotated[Answer | None, Argument(metavar="[approve|deny]", help="Your answer", show_default=False)]
RequestId = Annotated[str, Option("--request", metavar="R", help="Id of the request, as shown", show_default=False)]
