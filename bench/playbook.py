"""The same sessions made by a play of Ansible, beside ours: once for the first time, and again when nothing is to do.

The play is written as fast as Ansible allows: one task asks tmux which sessions there are, and only missing ones are
made.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator

from lab import Lab, lab
from measure import Row, Run, paired, run

_SIZES, _REPEATS = (10, 50), 5
_PLAY = """\
- hosts: localhost
  connection: local
  gather_facts: false
  vars:
    ansible_python_interpreter: "{{{{ ansible_playbook_python }}}}"
    wanted: "{{{{ range({number}) | map('regex_replace', '^', 'p') }}}}"
  tasks:
    - name: See which sessions there are
      ansible.builtin.command: tmux -S {socket} list-sessions -F '#S'
      register: found
      changed_when: false
      failed_when: false
    - name: Make the missing ones
      ansible.builtin.command: tmux -S {socket} new-session -d -s {{{{ item }}}} -- sleep 1000000
      loop: "{{{{ wanted | difference(found.stdout_lines) }}}}"
"""


def rows() -> Iterator[Row]:
    for number in _SIZES:
        with lab() as ours, lab() as theirs:
            ours.declare(number)
            _write_play(theirs, number)
            applied, played = ours.reconciler("apply", "--auto-approve"), _play(theirs)
            _expect_sessions(theirs, number)
            again = paired(_REPEATS, lambda: _play(theirs), lambda: ours.reconciler("plan"))
        yield Row(f"`reconciler apply` of {number} sessions", f"{applied.wall:.2f} s")
        beside = f"{played.wall / applied.wall:.1f} x `apply`"
        yield Row(f"`ansible-playbook`, the same {number} sessions", f"{played.wall:.2f} s", beside)
        yield Row(f"`reconciler plan` without changes, {number} sessions", f"{again.limit.wall:.2f} s")
        beside = f"{again.ratio:.1f} x `plan`"
        yield Row(f"`ansible-playbook` again, {number} sessions", f"{again.ours.wall:.2f} s", beside)


def _write_play(place: Lab, number: int) -> None:
    with open(os.path.join(place.root, "play.yaml"), "w", encoding="utf-8") as file:
        file.write(_PLAY.format(number=number, socket=place.socket))


def _play(place: Lab) -> Run:
    program = os.path.join(os.path.dirname(sys.executable), "ansible-playbook")
    return run([program, "-i", "localhost,", "play.yaml"], place.env(), place.root)


def _expect_sessions(place: Lab, number: int) -> None:
    if place.count_sessions() != number:
        raise SystemExit(f"the play did not make {number} sessions, so its time would mean nothing")
