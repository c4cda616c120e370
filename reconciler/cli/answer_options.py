"""The options with which `answer` and `job answer` name a request and answer it."""

from __future__ import annotations

from typing import Annotated

import typer

from reconciler.agents.permission import Answer

Choice = Annotated[Answer | None, typer.Argument(metavar="[approve|deny]", help="Your answer", show_default=False)]
RequestId = Annotated[
    str, typer.Option("--request", metavar="R", help="Id of the request, as shown", show_default=False)
]
