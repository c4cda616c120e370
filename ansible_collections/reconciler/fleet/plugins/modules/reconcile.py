#!/usr/bin/python
# Copyright (c) reconciler contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Plan, apply or compare AI coding agents on one host: runs the host's own `reconciler` once."""

from __future__ import annotations

DOCUMENTATION = r"""
module: reconcile
short_description: Plan or apply the AI coding agents of a project
description:
  - Runs C(reconciler) once in a project folder of the host. In check mode, it only plans.
  - No option carries a secret. Secrets are files on the host, which manifests name with C(from_file).
options:
  do: {description: What to do., type: str, choices: [plan, apply, drift, destroy], default: apply}
  project: {description: Project folder on the host., type: path, required: true}
  executable: {description: The program; found on PATH or in C(~/.local/bin) by default., type: path, default: reconciler}
  expect: {description: Do nothing unless the plan has this digest., type: str, default: ""}
  targets: {description: Only these addresses and what they need., type: list, elements: str, default: []}
  max_destroy: {description: Allow ending up to this number of running agents., type: int}
  lock_timeout: {description: How long to wait for another running command., type: str, default: 0s}
  login: {description: Run it in a login shell., type: bool, default: true}
attributes:
  check_mode: {support: full, description: It plans.}
  diff_mode: {support: full, description: The changes of the plan.}
"""

EXAMPLES = "- reconciler.fleet.reconcile: {project: ~/lab}\n"

RETURN = r"""
document: {description: The plan or the drift as with C(--json), type: dict, returned: if it was printed}
exit_code: {description: The exit code of reconciler., type: int, returned: always}
said: {description: What it printed beside the document; its last 4000 characters., type: str, returned: always}
unknown: {description: Nothing tells what was done., type: bool, returned: if true}
"""

import json
import os
import pwd
import subprocess

from ansible.module_utils.basic import AnsibleModule

MAJOR = "1"
LARGEST = 8 << 20
SHELLS = ("sh", "bash", "dash", "ksh", "zsh")


def command(given, check):
    """The words to run: one reconciler, in a login shell, so that agents get the PATH that their user has."""
    do, targets = given["do"], ["--target=" + each for each in given["targets"]]
    words = [given["executable"], "-C", given["project"]]
    if do == "drift":
        words += ["drift", "--json"]
    elif check or do == "plan":
        words += ["plan", "--json"] + targets + (["--destroy"] if do == "destroy" else [])
    else:
        words += [do, "--json", "--auto-approve", "--lock-timeout=" + given["lock_timeout"]] + targets
        words += ["--expect=" + given["expect"]] if given["expect"] else []
        words += ["--max-destroy=%d" % given["max_destroy"]] if given["max_destroy"] is not None else []
    shell = pwd.getpwuid(os.getuid()).pw_shell
    shell = shell if os.path.basename(shell) in SHELLS and os.access(shell, os.X_OK) else "/bin/sh"
    return [shell, "-l", "-c", 'exec "$0" "$@"'] + words if given["login"] else words


def found(executable):
    """The path of the program, from PATH or from where it is installed for one user; else its name."""
    beside = os.path.expanduser("~/.local/bin/" + executable)
    return beside if os.sep not in executable and os.access(beside, os.X_OK) else executable


def document_in(output):
    """The plan or the drift, and the last line of an apply. Raises ValueError when something else was printed."""
    text = output.decode("utf-8", "replace").strip()
    if not text.startswith("{"):
        start = "the host printed something before the document: " + text[:200] if text else "no document was printed"
        raise ValueError(start)
    if '"type": "version"' not in text[:20]:
        return json.loads(text), {}
    lines = [json.loads(line) for line in text.split("\n")]
    plans = [line["plan"] for line in lines if line.get("type") == "plan"]
    end = lines[-1] if lines[-1].get("type") == "summary" else {}
    failed = [line["diagnostic"] for line in lines if line.get("type") == "diagnostic"]
    return (plans[0] if plans else {"format_version": "1.3", "diagnostics": failed}), end


def pending(document):
    """The changes that a plan would make."""
    return [each for each in document.get("resource_changes", []) if each["actions"] not in (["no-op"], ["defer"])]


def difference(document):
    """The changes as two texts, for --diff."""
    texts = {"before": [], "after": []}
    for change in pending(document):
        for side, text in texts.items():
            text.append("%s: %s\n" % (change["address"], "/".join(change["actions"]) if side == "after" else "now"))
            fields = [each for each in change["changes"] if not each["sensitive"] and each[side] is not None]
            text.extend("  %s: %s\n" % (each["path"], json.dumps(each[side])) for each in fields)
    return {side: "".join(text) for side, text in texts.items()}


def main():
    module = AnsibleModule(
        argument_spec={
            "do": {"choices": ["plan", "apply", "drift", "destroy"], "default": "apply"},
            "project": {"type": "path", "required": True},
            "executable": {"type": "path", "default": "reconciler"},
            "expect": {"type": "str", "default": ""},
            "targets": {"type": "list", "elements": "str", "default": []},
            "max_destroy": {"type": "int"},
            "lock_timeout": {"type": "str", "default": "0s"},
            "login": {"type": "bool", "default": True},
        },
        supports_check_mode=True,
    )
    given, does = module.params, not module.check_mode and module.params["do"] in ("apply", "destroy")
    given["executable"] = found(given["executable"])
    words = command(given, module.check_mode)
    try:
        done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True)
    except OSError as error:
        module.fail_json(msg="%s cannot be run: %s" % (words[0], error), exit_code=127, said="")
    said = done.stderr.decode("utf-8", "replace").strip()[-4000:]
    result = {"exit_code": done.returncode, "said": said, "changed": False}
    if done.returncode == 127:
        module.fail_json(msg="there is no reconciler on the host: %s" % given["executable"], **result)
    if done.returncode < 0 or len(done.stdout) > LARGEST:
        module.fail_json(msg="the command was killed, or printed too much", unknown=True, **result)
    try:
        document, end = document_in(done.stdout)
    except ValueError as error:
        module.fail_json(msg=said.split("\n")[0] or str(error), unknown=does and done.returncode not in (64, 127), **result)
    version = str(document.get("format_version", ""))
    if version.split(".")[0] != MAJOR:
        module.fail_json(msg="the host's reconciler has format %s, this collection reads %s" % (version, MAJOR), **result)
    result.update(document=document, changed=bool(end.get("changed") if does else pending(document)))
    if module._diff:
        result["diff"] = difference(document)
    if does and not end:
        module.fail_json(msg="the command was killed: nothing tells what it did", unknown=True, **result)
    errors = [each["summary"] for each in document.get("diagnostics", []) if each["severity"] != "warning"]
    if done.returncode not in ((0, 2) if given["do"] == "drift" else (0,)):
        module.fail_json(msg=(errors or [said.split("\n")[0] or "exit code %d" % done.returncode])[0], **result)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
