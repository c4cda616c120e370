"""The path of each file of a broker.

Paths in a `FileSet` are relative to the broker's directory, which only its user can read.
"""

from __future__ import annotations

import os

from msgspec import Struct

SET = "etc/mosquitto"
CONF = f"{SET}/mosquitto.conf"
ACL = f"{SET}/acl"
PASSWORDS = f"{SET}/passwd"
TRUSTED = f"{SET}/certs/ca.crt"
SERVER_CERTIFICATE = f"{SET}/certs/server.crt"
SERVER_KEY = f"{SET}/certs/server.key"
KEPT = f"{SET}/kept"

CA_CERTIFICATE = "ca/ca.crt"
CA_KEY = "ca/ca.key"
CA_NEXT_KEY = "ca/next.key"

COMPOSE = "compose.yaml"
DATA = "data"
RUN = "run"


class ReplacedFolder(Struct, frozen=True):
    """A folder that is replaced as a whole: the live one, the previous one, and the place where the next is built."""

    live: str
    last_good: str
    staged: str


CLIENTS = ReplacedFolder("clients", "last-good/clients", "staged/clients")

# In the order in which they are written. The broker's set is last, because it needs files of the others.
# Its earlier sets are beside it in `etc`: a container sees only that folder.
SWAPPED = (
    ReplacedFolder("ca", "last-good/ca", "staged/ca"),
    CLIENTS,
    ReplacedFolder(SET, "etc/last-good", "etc/staged"),
)


def password(user: str) -> str:
    """The file with a user's password; this is the one that is read."""
    return f"clients/{user}.password"


def environment(user: str) -> str:
    """The file with a user's MQTT_* variables."""
    return f"clients/{user}.env"


def certificate(user: str) -> str:
    """A user's certificate."""
    return f"clients/{user}.crt"


def key(user: str) -> str:
    """The private key of a user's certificate."""
    return f"clients/{user}.key"


def unit(name: str) -> str:
    """The systemd unit of the broker called `name`."""
    return f"{name}.service"


def loose(name: str) -> tuple[str, str]:
    """The files directly in the directory of the broker called `name`."""
    return COMPOSE, unit(name)


def conf_path(directory: str) -> str:
    """The configuration file that Mosquitto is started with."""
    return os.path.join(directory, CONF)


def pid_path(directory: str) -> str:
    """The file that stores which process is the broker."""
    return os.path.join(directory, RUN, "mosquitto.pid")


def log_path(directory: str) -> str:
    """The log of a broker in the background."""
    return os.path.join(directory, RUN, "mosquitto.log")
