"""One real tmux server. Looking and starting use tmux processes of ours; typing uses libtmux.

The comments name behaviour that was seen with tmux 3.3a. The reference is tmux(1).
"""

from reconciler.ports.world import Failure, NewSession

from .server import ALLOWED_ENVIRONMENT, RealTmux
from .server_events import ServerEvents

__all__ = ["ALLOWED_ENVIRONMENT", "Failure", "NewSession", "RealTmux", "ServerEvents"]
