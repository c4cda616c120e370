"""One real tmux server: looked at and started through processes of ours, typed into through libtmux.

What each command may be trusted with was tried on tmux 3.3a; tmux(1) is the reference.
"""

from reconciler.ports.world import Failure, NewSession

from .server import ALLOWED_ENVIRONMENT, RealTmux
from .server_events import ServerEvents

__all__ = ["ALLOWED_ENVIRONMENT", "Failure", "NewSession", "RealTmux", "ServerEvents"]
