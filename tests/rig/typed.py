"""What tests on the rig type, and how they read the answer."""

from __future__ import annotations

import json
import subprocess
from typing import Any

from jsonschema import Draft7Validator
from lab_hosts import MANIFEST
from machines import Machine, Rig

from reconciler.state.schemas import load_schema

SESSION = "w-creator-s"
# The program of a host, with something before it: `{}` is a line of sh.
AROUND = '#!/bin/sh\n{}\nexec "$HOME/.local/bin/real" "$@"\n'


def chosen(*names: str) -> tuple[str, ...]:
    """The options that mean these hosts."""
    return ("-i", f"ssh:{','.join(names)}", "--project", "~/lab")


def hosts(rig: Rig, *names: str, manifest: str = MANIFEST) -> tuple[str, ...]:
    """Give these hosts a project, and return the options that mean them."""
    for name in names:
        rig.hosts[name].write("lab/reconciler.yaml", manifest)
    return chosen(*names)


def around(host: Machine, line: str) -> None:
    """Let the host's reconciler do something first."""
    program = host.home / ".local/bin/reconciler"
    program.rename(program.with_name("real"))
    host.write(".local/bin/reconciler", AROUND.format(line), 0o755)


def document(done: subprocess.CompletedProcess[str], code: int, schema: str = "fleet") -> dict[str, Any]:
    """The document that a command printed."""
    assert done.returncode == code, done.stdout + done.stderr
    told = json.loads(done.stdout)
    Draft7Validator(load_schema(schema)).validate(told)
    return told


def outcomes(told: dict[str, Any]) -> dict[str, str]:
    return {each["host"]: each["outcome"] for each in told["hosts"]}


def said(told: dict[str, Any]) -> dict[str, str]:
    return {each["host"]: each["said"] for each in told["hosts"]}
