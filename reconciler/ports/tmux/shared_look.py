"""One look at a tmux server for several projects that use it."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping

from msgspec.structs import replace

from reconciler.model.desired import Socket
from reconciler.model.observed import Observed, Present
from reconciler.model.snapshot import TmuxState

from .server import RealTmux


class SharedLooks:
    """The looks at tmux servers that several projects share, by the real path of the socket."""

    def __init__(self) -> None:
        self._looks: dict[str, Observed[TmuxState]] = {}

    def clear(self) -> None:
        """Forget all looks: the next one at each server is made anew."""
        self._looks.clear()

    def connector(self) -> Callable[[Socket, Mapping[str, str]], RealTmux]:
        """For one project: what makes its tmux servers.

        The project's first look at a server may be one that another project made. Its second look is always new,
        because it looks again to see what has changed.
        """
        taken: dict[str, Observed[TmuxState]] = {}
        return lambda socket, environment: _SharedTmux(socket, environment, self._looks, taken)


class _SharedTmux(RealTmux):
    """A tmux server as one project sees it."""

    def __init__(
        self,
        socket: Socket,
        environment: Mapping[str, str],
        looks: dict[str, Observed[TmuxState]],
        taken: dict[str, Observed[TmuxState]],
    ) -> None:
        super().__init__(socket, environment)
        self._label = (socket if socket.path else Socket(name=socket.name or "default")).label
        self._looks = looks
        self._taken = taken

    def look(self) -> Observed[TmuxState]:
        """As `RealTmux.look`, or the look of another project that this one has not used yet."""
        server = os.path.realpath(self.socket_path)
        found = self._looks.get(server)
        if found is None or self._taken.get(server) is found:
            found = self._looks[server] = super().look()
        self._taken[server] = found
        if isinstance(found, Present) and found.value.server.socket != self._label:
            return Present(replace(found.value, server=replace(found.value.server, socket=self._label)))
        return found
