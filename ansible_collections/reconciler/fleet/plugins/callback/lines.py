# Copyright (c) reconciler contributors
# GNU General Public License v3.0 or later (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write one JSON line for each host that begins and that ends, into the file that $RECONCILER_FLEET_LINES names."""

from __future__ import annotations

DOCUMENTATION = r"""
name: lines
type: stdout
short_description: One JSON line for each host
description: For C(reconciler fleet), which reads the lines. It prints nothing on standard output.
"""

import json
import os

from ansible.plugins.callback import CallbackBase

KEPT = ("document", "exit_code", "said", "changed", "unknown", "msg")


class CallbackModule(CallbackBase):
    """Tells what happened to each host, and nothing else."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "reconciler.fleet.lines"

    def _tell(self, host, event, **more):
        line = json.dumps(dict(more, host=host.get_name(), event=event), separators=(",", ":"))
        with open(os.environ["RECONCILER_FLEET_LINES"], "a", encoding="utf-8") as file:
            file.write(line + "\n")

    def _ended(self, result, event):
        told = dict(result.result)
        told.setdefault("said", str(told.get("module_stderr") or told.get("stderr") or "")[-4000:])
        self._tell(result.host, event, task=result.task_name, **{key: told[key] for key in KEPT if key in told})

    def v2_runner_on_start(self, host, task):
        self._tell(host, "begun")

    def v2_runner_on_ok(self, result):
        self._ended(result, "ok")

    def v2_runner_on_failed(self, result, ignore_errors=False):
        self._ended(result, "failed")

    def v2_runner_on_unreachable(self, result):
        self._ended(result, "unreachable")
