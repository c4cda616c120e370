"""Post each pass with changes to a web service."""

from __future__ import annotations

import json
from urllib.parse import SplitResult, urlsplit

from reconciler import __version__
from reconciler.model.errors import ReconcilerError, UsageError
from reconciler.model.redacted import Redacted
from reconciler.model.watch import Pass
from reconciler.monitor.sink import Sink, SinkFailed
from reconciler.ports import web
from reconciler.render.watch import news_document

from .context import SinkContext

TOKEN = "RECONCILER_WEBHOOK_TOKEN"  # noqa: S105 - the name of a variable
_SECONDS = 10.0
_HERE = {"localhost", "127.0.0.1", "::1"}


class Webhook(Redacted, frozen=True):
    """Sends the changes as JSON in one POST request, with the token, if there is one, as a bearer token."""

    url: str
    token: str = ""
    seconds: float = _SECONDS

    @property
    def name(self) -> str:
        """Its name in warnings, without path and query, which are secrets for many services."""
        split = urlsplit(self.url)
        return f"webhook:{split.scheme}://{split.netloc}"

    def tell(self, seen: Pass) -> str:
        """Post the pass once."""
        if not seen.news:
            return ""
        headers = {"Content-Type": "application/json", "User-Agent": f"reconciler/{__version__}"}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        try:
            web.post(self.url, json.dumps(news_document(seen)).encode(), headers, seconds=self.seconds)
        except ReconcilerError as error:
            raise SinkFailed(error.summary) from error
        return ""

    def close(self) -> None:
        """Do nothing: no connection is kept open."""


def webhook(url: str, token: str) -> Webhook:
    """Make the sink for a web address.

    Raises:
        UsageError: The address is not http or https, or would expose a secret.
    """
    split = _split(url)
    if split.scheme not in {"http", "https"} or not split.hostname:
        raise UsageError(f"a webhook needs an http or https address, not {split.scheme or 'one without a scheme'}")
    if "@" in split.netloc:
        raise UsageError("the address of a webhook must not contain a login", fix=f"set a token in {TOKEN} instead")
    if token and split.scheme == "http" and split.hostname not in _HERE:
        raise UsageError(f"{TOKEN} would be sent to {split.hostname} unencrypted", fix="use an https address")
    if not (url + token).isascii() or not (url + token).isprintable() or " " in url:
        raise UsageError("a webhook's address or token contains a space, a control character or a non-ASCII character")
    return Webhook(url, token)


def _split(url: str) -> SplitResult:
    try:
        split = urlsplit(url)
        _ = split.port
    except ValueError as error:
        raise UsageError(f"not a valid webhook address: {error}") from error
    return split


def sink(url: str, context: SinkContext) -> Sink:
    """Make the sink `webhook:URL`. Raises UsageError for an address that is not allowed."""
    return webhook(url, context.env.get(TOKEN, ""))
