"""Plays `hermes kanban` as hermes-agent 0.19.0 was seen: the words, and exit code 0 also for what failed.

`calls` in HERMES_HOME tells what was asked; a file `broken` there makes every command fail.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path

HOME = Path(os.environ["HERMES_HOME"])
BOARD = HOME / "kanban.json"
NOW = 1795624314
BLOCKABLE = {"ready", "running"}


def main() -> None:
    asked = _parser().parse_args()
    HOME.mkdir(exist_ok=True)
    with (HOME / "calls").open("a") as calls:
        calls.write(f"{asked.action}\n")
    if (HOME / "broken").exists():
        sys.exit("kanban: database is locked")
    cards = json.loads(BOARD.read_text()) if BOARD.exists() else {}
    if asked.action == "init":
        _say(f"Kanban DB initialized at {HOME}/kanban.db")
    elif asked.action == "create":
        cards["t_7e8a810b"] = {"task": {"id": "t_7e8a810b", "status": "ready"}, "comments": [], "events": []}
        _say(json.dumps(cards["t_7e8a810b"]["task"], indent=2))
    elif asked.task not in cards:
        _complain(UNKNOWN.get(asked.action, "kanban: unknown task {}").format(asked.task))
    else:
        ACTIONS[asked.action](cards[asked.task], asked)
    BOARD.write_text(json.dumps(cards))


def show(card: dict, _asked: argparse.Namespace) -> None:
    _say(json.dumps(card, indent=2))


def comment(card: dict, asked: argparse.Namespace) -> None:
    _add_comment(card, asked.author, " ".join(asked.text).strip())
    _say(f"Comment added to {asked.task}")


def heartbeat(card: dict, asked: argparse.Namespace) -> None:
    if card["task"]["status"] != "running":
        _complain(f"cannot heartbeat {asked.task} (not running?)")
        return
    card["events"].append({"kind": "heartbeat", "payload": {"note": asked.note}, "created_at": NOW})
    _say(f"Heartbeat recorded for {asked.task}")


def claim(card: dict, asked: argparse.Namespace) -> None:
    card["task"]["status"] = "running"
    _say(f"Claimed {asked.task}")


def block(card: dict, asked: argparse.Namespace) -> None:
    if card["task"]["status"] not in BLOCKABLE:
        _complain(f"cannot block {asked.task}")
        return
    reason = " ".join(asked.reason)
    card["task"]["status"] = "blocked"
    _add_comment(card, "default", f"BLOCKED: {reason}")
    _say(f"Blocked {asked.task}: {reason}")


def unblock(card: dict, asked: argparse.Namespace) -> None:
    card["task"]["status"] = "ready"
    _say(f"Unblocked {asked.task}")


ACTIONS = {each.__name__: each for each in (show, comment, heartbeat, claim, block, unblock)}
UNKNOWN = {"show": "no such task: {}", "heartbeat": "cannot heartbeat {} (not running?)", "block": "cannot block {}"}


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")


def _complain(text: str) -> None:
    sys.stderr.write(f"{text}\n")


def _add_comment(card: dict, author: str, body: str) -> None:
    card["comments"].append({"author": author, "body": body, "created_at": NOW})


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="hermes")
    actions = parser.add_subparsers().add_parser("kanban").add_subparsers(dest="action", required=True)
    actions.add_parser("init")
    new = actions.add_parser("create")
    new.add_argument("title")
    new.add_argument("--json", action="store_true")
    for name in ACTIONS:
        actions.add_parser(name).add_argument("task")
    actions.choices["show"].add_argument("--json", action="store_true")
    actions.choices["comment"].add_argument("text", nargs="+")
    actions.choices["comment"].add_argument("--author", default="default")
    actions.choices["heartbeat"].add_argument("--note")
    actions.choices["block"].add_argument("reason", nargs="*")
    return parser


if __name__ == "__main__":
    main()
