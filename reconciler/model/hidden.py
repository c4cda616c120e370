"""What a wrapper hides of the agent behind it."""

from __future__ import annotations

from msgspec import Struct


class Hidden(Struct, frozen=True):
    """What cannot be seen of an agent behind its wrapper. `said` tells it to the user, one sentence each."""

    by: str
    """The program that hides it."""
    processes: bool = False
    """Its processes are not children of the wrapper: they run in a container or on another machine."""
    store: bool = False
    """Its CLI stores conversations in another place than the one that is looked at."""
    search: bool = False
    """Its program is searched elsewhere than on its PATH here."""
    said: tuple[str, ...] = ()

    @property
    def warnings(self) -> tuple[str, ...]:
        """One for each thing that is hidden, with the program that hides it."""
        return tuple(f"behind {self.by}: {said}" for said in self.said)
