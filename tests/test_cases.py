"""Every file in cases/ is one story: what is there, what is wanted, the plan - and what an apply makes of it.

before:   a manifest that was applied in an empty world, for stories about what happens next
desired:  the manifest now (that of `before` when left out)
record:   the registry, laid over what `before` left; null takes away
live:     the world, laid over what `before` left (see the functions of the stage); `broker_processes` are pids by
          folder, or why they cannot be told
options:     force, mode, targets, exclude, replace, imports, refresh, max_destroy, deletes, purge, woken, goal (the
          conversations to go back to, by address); after deletes, the next plan is made without the blocks of those
          agents
plan:     every address with something to do or a reason for nothing; `diagnostics`, `order`, `drift`,
          `learned`, `unmanaged`, `summary`, `text`; whatever else is in the manifests must need nothing
unfinished: what an apply says of the addresses it could not do; deferred ones need not be listed
after:    parts of the registry, live sessions, folders, files or texts in them, argv, what was done to brokers
then:     what the next plan still wants; nothing when left out
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from in_memory import HOME, Planned, Project
from jsonschema import Draft7Validator
from msgspec.structs import replace
from ruamel.yaml import YAML

from reconciler.kinds.agent.status import statuses
from reconciler.model.action import Change, Reason, Verb
from reconciler.model.address import Address, parse_address
from reconciler.model.broker import Effect, Survey
from reconciler.model.conversation import ConversationMode
from reconciler.model.diagnostic import Diagnostic, Severity
from reconciler.model.event import ActionEvent, ActionFailed, ActionSkipped, ActionStarted
from reconciler.model.generation import AgentThen
from reconciler.model.observed import Present, Unknown
from reconciler.model.plan import Mode
from reconciler.model.snapshot import UnreadablePane
from reconciler.plan.guard import too_many_endings
from reconciler.plan.request import Goal, Request
from reconciler.render.document import diagnostic_document
from reconciler.render.text import plan_text
from reconciler.state.schemas import load_schema

CASES = sorted((Path(__file__).parent / "cases").glob("*.yaml"))
KEYS = {"before", "desired", "record", "live", "options", "plan", "unfinished", "after", "then"}
NOTHING: Mapping[str, Any] = {}


def _read(path: Path) -> dict[str, Any]:
    return YAML(typ="safe", pure=True).load(path.read_text("utf-8"))


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_the_story_goes_as_told(path: Path) -> None:
    story = _read(path)
    assert story.keys() <= KEYS
    project = _staged(story)
    desired = story.get("desired") or story["before"]
    request = _request(story.get("options", NOTHING))
    before = project.state()

    planned = project.plan(desired, request)
    refused = _check_plan(planned, story["plan"], story.get("options", NOTHING).get("max_destroy"))

    assert project.state() == before, "planning changes nothing"
    if not refused:
        _check_apply(project, planned, story)
        _check_next(project, _without(desired, request.deletes), request, story.get("then", NOTHING))


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_status_and_apply_agree_about_an_agent_whose_session_is_gone(path: Path) -> None:
    """An apply without options; `status` promises a start exactly where that apply makes one."""
    story = _read(path)
    planned = _staged(story).plan(story.get("desired") or story["before"])
    if not isinstance(planned.snapshot.tmux, Present) or planned.snapshot.server_problem:
        return
    found = planned.sources.cases(planned.options)
    notes = {each.address: each.note for each in statuses(found, planned.record, planned.snapshot)}
    verbs = {action.address: action.verb for action in planned.plan.actions if action.reason is not Reason.WITHHELD}
    for address, note in notes.items():
        if note.startswith("lost: apply starts it again"):
            assert verbs[address] in {Verb.CREATE, Verb.RESUME}, note
        elif note.startswith("lost:"):
            assert verbs.get(address, Verb.DEFER) is Verb.DEFER, note


def _without(manifest: Mapping[str, Any], agents: Iterable[Address]) -> Mapping[str, Any]:
    """The manifest as `delete` leaves it."""
    after = deepcopy(dict(manifest))
    for address in agents:
        after["workspaces"][address.workspace]["agents"].pop(address.agent, None)
    return after


# --- the stage --------------------------------------------------------------------------------


def _staged(story: Mapping[str, Any]) -> Project:
    """The world and the registry that the story begins with."""
    live = story.get("live", NOTHING)
    project = Project()
    project.env |= live.get("env", NOTHING)
    if "before" in story:
        for repo, branches in live.get("repos", NOTHING).items():
            project.world.files.add_repo(repo, *branches)
        failures = [told for told in project.apply(project.plan(story["before"])) if isinstance(told, ActionFailed)]
        assert not failures
    project.registry = _overlaid(project.registry, story.get("record", NOTHING))
    _set_files(project, live)
    _set_tmux(project, live)
    _set_brokers(project, live.get("brokers", NOTHING))
    for folder, pid in live.get("broker_processes", NOTHING).items():
        project.world.brokers.processes[folder] = Present(pid) if isinstance(pid, int) else Unknown(pid)
    return project


def _overlaid(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    result = dict(below)
    for key, value in above.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = _overlaid(result.get(key) or {}, value) if isinstance(value, dict) else value
    return result


def _set_files(project: Project, live: Mapping[str, Any]) -> None:
    """`repos`, `folders`, `worktrees`, `files`, `lost` (files), `strange` (what makes an entry one that nobody may
    delete), `tables` (databases), `gone`, `unreadable`, `missing` (programs), `versions` (by the path of a program),
    `unset` (variables).
    """
    files = project.world.files
    for repo, branches in live.get("repos", NOTHING).items():
        files.add_repo(repo, *branches)
    files.full |= set(live.get("full", ()))
    for folder in live.get("folders", ()):
        files.make_folder(folder)
    for path, tree in live.get("worktrees", NOTHING).items():
        _set_worktree(project, path, tree)
    for path, text in live.get("files", NOTHING).items():
        files.put(path.replace("~", HOME), text.encode())
    files.files = {
        path: data for path, data in files.files.items() if path.replace(HOME, "~") not in live.get("lost", ())
    }
    files.strange |= {path.replace("~", HOME): how for path, how in live.get("strange", NOTHING).items()}
    for path, rows in live.get("tables", NOTHING).items():
        files.put(path.replace("~", HOME), b"")
        files.tables[path.replace("~", HOME)] = list(map(tuple, rows))
    for folder in live.get("gone", ()):
        files.remove_folder(folder)
    files.unreadable |= {path.replace("~", HOME): why for path, why in live.get("unreadable", NOTHING).items()}
    project.world.processes.missing |= set(live.get("missing", ()))
    project.world.processes.versions |= live.get("versions", NOTHING)
    for name in live.get("unset", ()):
        project.env.pop(name)


def _set_worktree(project: Project, path: str, tree: Mapping[str, Any]) -> None:
    files = project.world.files
    if path not in files.worktrees:
        from reconciler.model.desired import Git

        files.add_worktree(path, Git(tree["repo"], tree["branch"]))
    files.worktrees[path] = replace(files.worktrees[path], **tree)


def _set_tmux(project: Project, live: Mapping[str, Any]) -> None:
    """`tmux: restarted`, or `{unknown: why}`; `sessions` by name: null is killed, fields are a Pane's; `exits`.

    The processes of the sessions in `survivors` do not end with them. `unread` are panes that cannot be understood.
    """
    tmux = project.world.tmux
    project.world.processes.stubborn |= {tmux.pane(name).pid for name in live.get("survivors", ())}
    tmux.exits |= {command: (status, screen) for command, (status, screen) in live.get("exits", NOTHING).items()}
    if live.get("tmux") == "restarted":
        tmux.kill_server()
    for name, fields in live.get("sessions", NOTHING).items():
        if fields is None:
            tmux.kill_session(name)
        else:
            _set_session(project, name, dict(fields))
    tmux.unread += [UnreadablePane(**fields) for fields in live.get("unread", ())]
    if isinstance(live.get("tmux"), dict):
        tmux.unknown = live["tmux"]["unknown"]


def _set_brokers(project: Project, told: Mapping[str, Any]) -> None:
    """By address: fields of a Survey, or `{unknown: why}`; `broken: true` for one whose new files do not work."""
    for address, fields in told.items():
        if "unknown" in fields:
            project.world.brokers.unknown[address] = fields["unknown"]
            continue
        plain = {key: value for key, value in fields.items() if key in {"made", "runs", "basis", "by_hand"}}
        lists = {key: tuple(fields[key]) for key in ("reasons", "edited", "due", "keeps") if key in fields}
        changes = tuple(Change(path, "replace", *values) for path, values in fields.get("changes", NOTHING).items())
        effect = Effect(fields.get("effect", "nothing"))
        problems = tuple(Diagnostic(Severity.ERROR, told) for told in fields.get("problems", ()))
        survey = Survey(**{"made": True, **plain, **lists}, changes=changes, effect=effect, problems=problems)
        project.world.brokers.surveys[address] = survey
        project.world.brokers.broken |= {address} if fields.get("broken") else set()


def _set_session(project: Project, name: str, fields: dict[str, Any]) -> None:
    """Beside a Pane's fields: `exited` (status), `signal`, `renamed`, `moved` (into another session), `note` (what
    Claude Code writes down), `screen`, and `words`: those that its process was started with.
    """
    tmux, processes = project.world.tmux, project.world.processes
    own = ("exited", "signal", "renamed", "moved", "note", "screen", "words")
    end = {key: fields.pop(key) for key in own if key in fields}
    look = tmux.look()
    known = name in {pane.session for pane in getattr(getattr(look, "value", None), "panes", ())}
    if known and "pid" in fields:
        processes.exit(tmux.pane(name).pid)
    tmux.change(name, **fields) if known else tmux.add(name, **fields)
    if "pid" in fields:
        processes.alive[fields["pid"]] = fields["pid"] * 100
    pane = tmux.pane(name)
    processes.said[pane.pid] = tuple(end.get("words", processes.said.get(pane.pid, ())))
    tmux.screens[pane.pane_id] = end.get("screen", tmux.screens.get(pane.pane_id, ""))
    if "note" in end:
        note = {"procStart": str(processes.alive[pane.pid]), **end["note"]}
        project.world.files.put(f"{HOME}/.claude/sessions/{pane.pid}.json", json.dumps(note).encode())
    if "exited" in end or "signal" in end:
        processes.exit(pane.pid, end.get("exited"), end.get("signal", ""))
    if "renamed" in end:
        tmux.rename(pane.target, end["renamed"])
    if "moved" in end:
        tmux.move(name, end["moved"])


def _request(options: Mapping[str, Any]) -> Request:
    addresses = {name: tuple(map(parse_address, options.get(name, ()))) for name in ("targets", "exclude", "replace")}
    imports = {parse_address(address): session for address, session in options.get("imports", NOTHING).items()}
    mode, refresh, force = (
        Mode(options.get("mode", "normal")),
        options.get("refresh", True),
        options.get("force", False),
    )
    deletes, purge = frozenset(map(parse_address, options.get("deletes", ()))), options.get("purge", False)
    words = {"mode": mode, "refresh": refresh, "force": force, "deletes": deletes, "purge": purge}
    woken = frozenset(map(parse_address, options.get("woken", ())))
    return Request(
        **addresses, **words, imports=imports, resumed_by_hand=woken, goal=_goal(options.get("goal", NOTHING))
    )


def _goal(conversations: Mapping[str, str]) -> Goal | None:
    then = {parse_address(name): AgentThen("", "running", id_) for name, id_ in conversations.items()}
    return Goal(1, then) if then else None


# --- the plan ---------------------------------------------------------------------------------


def _check_plan(planned: Planned, expected: Mapping[str, Any], max_destroy: int | None) -> bool:
    """Compare, and tell whether an apply would be refused."""
    guard = too_many_endings(planned.plan, planned.record, max_destroy)
    said = (*planned.plan.diagnostics, *((guard,) if guard else ()))
    _check_changes(planned, {key: value for key, value in expected.items() if parse_address(key)})
    _check_diagnostics(said, expected.get("diagnostics", ()))
    document, text = planned.document, list(plan_text(planned.document))
    if "order" in expected:
        assert [str(action.address) for action in planned.plan.pending] == expected["order"]
    if "drift" in expected:
        assert {drift["session"]: drift["class"] for drift in document["resource_drift"]} == expected["drift"]
    if "learned" in expected:
        assert {drift["session"]: drift["class"] for drift in document["learned"]} == expected["learned"]
    if "unmanaged" in expected:
        assert [each["session"] for each in document["unmanaged"]] == expected["unmanaged"]
    if "summary" in expected:
        assert text[-1] == expected["summary"]
    lines = {line.strip() for line in text}
    assert [line for line in expected.get("text", ()) if line not in lines] == [], "\n".join(text)
    return bool(planned.plan.blocking_errors or guard)


def _check_changes(planned: Planned, expected: Mapping[str, Any]) -> None:
    """Everything that is pending, or has a reason to be left alone, is expected, and as it is."""
    found = {
        change["address"]: _seen(change)
        for change in planned.document["resource_changes"]
        if change["actions"] != ["no-op"] or change["reason"]
    }
    wanted = {address: _normal(fields) for address, fields in expected.items()}
    shown = {
        address: {key: value for key, value in fields.items() if key in wanted.get(address, fields)}
        for address, fields in found.items()
    }
    assert shown == wanted


def _normal(fields: str | list[str] | Mapping[str, Any]) -> dict[str, Any]:
    said = dict(fields) if isinstance(fields, Mapping) else {"actions": fields}
    actions = said.get("actions", "no-op")
    return {**said, "actions": [actions] if isinstance(actions, str) else actions}


def _seen(change: Mapping[str, Any]) -> dict[str, Any]:
    conversation = change["conversation"]
    words = [conversation["mode"], conversation["id"] or ""] if conversation else []
    return {
        "after": change.get("after", []),
        "actions": change["actions"],
        "reason": change["reason"],
        "note": change["note"],
        "session": change["session"],
        "conversation": " ".join(words).strip(),
        "changes": {
            each["path"]: "sensitive" if each["sensitive"] else [each["before"], each["after"]]
            for each in change["changes"]
        },
    }


def _check_diagnostics(said: tuple[Diagnostic, ...], expected: list[Mapping[str, str]]) -> None:
    found = [diagnostic_document(diagnostic) for diagnostic in said]
    assert len(found) == len(expected), found
    for diagnostic, wanted in zip(found, expected, strict=True):
        for key, fragment in wanted.items():
            assert fragment in diagnostic[key]


# --- the apply --------------------------------------------------------------------------------


def _check_apply(project: Project, planned: Planned, story: Mapping[str, Any]) -> None:
    told = project.apply(planned)
    _check_order(planned, told)
    deferred = {str(action.address) for action in planned.plan.pending if action.verb.value == "defer"}
    unfinished = {str(e.address): e.message for e in told if isinstance(e, ActionFailed | ActionSkipped)}
    expected = story.get("unfinished", NOTHING)
    assert unfinished.keys() - deferred == expected.keys(), unfinished
    assert all(fragment in unfinished[address] for address, fragment in expected.items()), unfinished
    _check_after(project, story.get("after", NOTHING))


def _check_order(planned: Planned, told: Iterable[ActionEvent]) -> None:
    """Apply tells of each action once, in the order of the plan; what is left out is told where its turn would be."""
    wanted = [action.address for action in planned.plan.pending]
    begun = [event.address for event in told if isinstance(event, ActionStarted)]
    assert begun == [address for address in wanted if address in begun]
    if not any(isinstance(event, ActionFailed) for event in told):
        assert list(dict.fromkeys(event.address for event in told)) == wanted


def _check_after(project: Project, after: Mapping[str, Any]) -> None:
    if project.registry.get("version"):
        Draft7Validator(load_schema("registry")).validate(project.registry)
    assert _part(project.registry, after.get("registry", NOTHING)) == after.get("registry", NOTHING)
    world = project.world
    if "sessions" in after:
        assert sorted(world.tmux._panes) == sorted(after["sessions"])
    for path, there in after.get("folders", NOTHING).items():
        assert (path in world.files.folders) is there, path
    for path, told in after.get("files", NOTHING).items():
        content = world.files.files.get(path.replace("~", HOME))
        assert (content is not None) is told if isinstance(told, bool) else told in (content or b"").decode(), path
    if "brokers" in after:
        assert world.brokers.done == after["brokers"]
    for session, argv in after.get("argv", NOTHING).items():
        assert [list(new.argv) for new in world.tmux.started if new.name == session][-1] == argv
    if "typed" in after:
        assert [line for _, line in world.tmux.typed] == after["typed"]


def _part(whole: Any, like: Any) -> Any:
    """The part of `whole` that `like` speaks of."""
    if not isinstance(like, dict) or not isinstance(whole, dict):
        return whole
    return {key: _part(whole.get(key), value) for key, value in like.items()}


def _check_next(project: Project, desired: Mapping[str, Any], request: Request, then: Mapping[str, Any]) -> None:
    """The next plan wants only what had to wait, and then another apply changes nothing."""
    again = replace(request, replace=(), imports={}, deletes=frozenset(), purge=False, refresh=True)
    if again.mode is Mode.REFRESH_ONLY:
        again = replace(again, mode=Mode.NORMAL)
    planned = project.plan(desired, again)
    _check_changes(planned, then)
    assert request.refresh is False or not planned.plan.drift
    assert planned.plan.in_sync is not bool(planned.plan.pending)
    if all(action.verb.value == "defer" for action in planned.plan.pending):
        before = project.state()
        project.apply(planned)
        assert project.state() == before


# --- the collection ---------------------------------------------------------------------------


def test_every_reason_and_every_conversation_mode_has_a_story() -> None:
    told = [fields for path in CASES for fields in _read(path)["plan"].values() if isinstance(fields, dict)]
    assert {fields.get("reason", "") for fields in told} >= {reason.value for reason in Reason}
    modes = {fields["conversation"].split()[0] for fields in told if "conversation" in fields}
    assert modes == {mode.value for mode in ConversationMode}
