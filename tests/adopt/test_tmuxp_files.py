"""Workspace files of tmuxp: those that it made itself, and the forms that its documentation has."""

from __future__ import annotations

import pytest
from othertools_cases import AROUND, CODEX_ID, FILES, ID, told

from reconciler.adopt.foreign_file import ForeignFile
from reconciler.adopt.tmuxp import read_tmuxp
from reconciler.model.adoption import Findings
from reconciler.model.desired import RunState
from reconciler.model.errors import ReconcilerError


def read(text: str | bytes, path: str = "/srv/lab/conf/lab.yaml") -> Findings:
    return read_tmuxp(ForeignFile(path, text.encode() if isinstance(text, str) else text), AROUND)


def own(name: str) -> Findings:
    return read((FILES / "tmuxp" / name).read_bytes(), f"/srv/lab/conf/{name}")


@pytest.mark.parametrize("name", ["frozen.yaml", "frozen.json"])
def test_a_session_that_tmuxp_froze_has_its_agents_in_their_folders(name: str) -> None:
    found = own(name)
    assert [(each.workspace, each.agent, each.type, each.path) for each in found.agents] == [
        ("lab", "agents-claude", "claude", "/srv/lab"),
        ("lab-api", "agents-codex", "codex", "/srv/lab/api"),
    ]
    assert any("window `shell`: `bash`: it is only a shell" in line for line in told(found))
    assert sum("`layout`" in line for line in told(found)) == 2


@pytest.mark.parametrize("name", ["lab.yaml", "lab.json"])
def test_a_file_that_tmuxp_loaded_keeps_folders_environment_and_conversations(name: str) -> None:
    found = own(name)
    assert [(each.path, each.conversation, dict(each.env)) for each in found.agents] == [
        ("/srv/lab", ID, {"REVIEW_MODE": "strict"}),
        ("/srv/lab/api", CODEX_ID, {"REVIEW_MODE": "strict"}),
    ]
    assert all(each.known_by and each.place and each.place.line > 1 for each in found.agents)


def one(pane: str, session: str = "", window: str = "") -> Findings:
    return read(f"session_name: lab\n{session}\nwindows:\n- window_name: w\n  {window}\n  panes:\n  - {pane}\n")


PANES = [
    "claude",
    "[claude]",
    "{shell_command: claude}",
    "{shell_command: [claude]}",
    "{shell_command: [{cmd: claude}]}",
    "{shell: claude}",
    "{shell_command: [cd ., {cmd: claude, sleep_before: 1}]}",
]


@pytest.mark.parametrize("pane", PANES)
def test_each_form_of_a_pane_is_read(pane: str) -> None:
    assert [each.type for each in one(pane).agents] == ["claude"]


@pytest.mark.parametrize("pane", ["null", "blank", "pane", "''", "{}", "{shell_command: }", "[]", "[null]"])
def test_each_form_of_an_empty_pane_is_a_shell(pane: str) -> None:
    assert told(one(pane)) == ["7 window `w`: it is only a shell"]


@pytest.mark.parametrize(
    ("session", "window", "pane", "folder"),
    [
        ("", "", "claude", "/srv/lab/conf"),
        ("start_directory: ../", "", "claude", "/srv/lab"),
        ("start_directory: ~/x", "", "claude", "/home/u/x"),
        ("start_directory: $SITES", "", "claude", "/srv/sites"),
        ("start_directory: '${SITES}/y'", "", "claude", "/srv/sites/y"),
        ("start_directory: /a", "start_directory: b", "claude", "/a/b"),
        ("start_directory: /a", "start_directory: ./b", "claude", "/a/b"),
        ("start_directory: /a", "start_directory: /c", "claude", "/c"),
        ("start_directory: /a", "start_directory: b", "{start_directory: ./d, shell_command: claude}", "/a/b/d"),
        ("start_directory: /a", "start_directory: b", "{start_directory: ~, shell_command: claude}", "/a/b"),
        ("start_directory: /a", "start_directory: b", "{start_directory: '~', shell_command: claude}", "/home/u"),
        ("start_directory: $NOWHERE", "start_directory: /c", "claude", "/c"),
    ],
)
def test_the_folder_comes_from_the_nearest_level(session: str, window: str, pane: str, folder: str) -> None:
    assert [each.path for each in one(pane, session, window).agents] == [folder]


def test_an_agent_whose_folder_only_a_shell_knows_is_left_alone() -> None:
    found = one("claude", "start_directory: $NOWHERE/x")
    assert found.agents == ()
    assert told(found) == ["7 the agent `w`: its folder is not known: only a shell can expand it"]


def test_the_environment_of_a_pane_replaces_that_of_its_window() -> None:
    found = read(
        "session_name: s\nenvironment: {A: 1, B: .}\nwindows:\n- window_name: w\n  environment: {A: w, C: w}\n"
        "  panes:\n  - claude\n  - {environment: {D: p}, shell_command: E=e claude}\n"
    )
    assert [dict(each.env) for each in found.agents] == [
        {"A": "w", "B": "/srv/lab/conf", "C": "w"},
        {"A": "1", "B": "/srv/lab/conf", "D": "p", "E": "e"},
    ]


def test_a_secret_never_becomes_part_of_an_agent() -> None:
    session = "environment: {GITHUB_TOKEN: abc123, PLAIN: ghp_0123456789012345678901, MODE: x, REF: $OTHER}"
    found = one("claude", session)
    assert dict(found.agents[0].env) == {"MODE": "x"}
    fixes = {each.what: each.fix for each in found.left_alone}
    assert fixes["the variable GITHUB_TOKEN of the agent `w`"] == "`GITHUB_TOKEN: {from_env: GITHUB_TOKEN}` in `env`"
    assert "the variable PLAIN of the agent `w`" in fixes
    assert fixes["the variable REF"] == "`REF: {from_env: OTHER}` in `env`"
    assert "abc123" not in repr(found)
    assert "ghp_" not in repr(found)


def test_a_command_that_is_typed_and_not_entered_makes_a_stopped_agent() -> None:
    stopped = [one("{shell_command: claude, enter: false}"), one("{shell_command: [{cmd: claude, enter: no}]}")]
    assert [found.agents[0].state for found in stopped] == [RunState.STOPPED] * 2
    assert one("claude").agents[0].state is RunState.RUNNING


def test_commands_before_all_panes_are_read_or_told_once() -> None:
    found = read(
        "session_name: s\nshell_command_before:\n- cd /srv\n- export A=1\n- source x\nwindows:\n"
        "- {window_name: one, panes: [claude]}\n"
        "- {window_name: two, shell_command_before: {shell_command: [{cmd: cd two}]}, panes: [codex, vim, null]}\n"
    )
    assert [(each.path, dict(each.env)) for each in found.agents] == [("/srv", {"A": "1"}), ("/srv/two", {"A": "1"})]
    assert told(found) == [
        "5 `source x`, which runs before the agent: a manifest only starts the agent",
        "8 pane 2 of window `two`: `vim`: it is an editor, not an agent",
        "8 pane 3 of window `two`: it is only a shell",
    ]


@pytest.mark.parametrize(
    ("level", "key"),
    [
        ("session", "before_script: ./x"),
        ("session", "plugins: [a]"),
        ("session", "global_options: {a: b}"),
        ("session", "suppress_history: true"),
        ("session", "something_else: 1"),
        ("window", "layout: tiled"),
        ("window", "options: {a: b}"),
        ("window", "options_after: {a: b}"),
        ("window", "window_index: 3"),
        ("window", "focus: true"),
    ],
)
def test_a_key_without_counterpart_is_told_with_its_place(level: str, key: str) -> None:
    found = one("claude", **{level: key})
    assert len(found.agents) == 1
    (line,) = told(found)
    where = "session `lab`" if level == "session" else "window `w`"
    assert line.startswith(f"{2 if level == 'session' else 5} `{key.partition(':')[0]}` of {where}: ")


def test_names_become_those_of_a_manifest_and_are_unique() -> None:
    found = read(
        "session_name: my.lab 1\nwindows:\n- {window_name: 'a b', panes: [claude]}\n"
        "- {window_name: 'a:b', panes: [claude]}\n- {window_name: '', panes: [claude, codex]}\n"
        "- {window_name: '***', panes: [claude]}\n"
    )
    assert [(each.workspace, each.agent) for each in found.agents] == [
        ("my-lab-1", "a-b"),
        ("my-lab-1", "a-b-2"),
        ("my-lab-1", "claude"),
        ("my-lab-1", "codex"),
        ("my-lab-1", "claude-2"),
    ]
    assert found.agents[0].comments == ("`my.lab 1` is called my-lab-1 here", "`a b` is called a-b here")
    assert found.agents[3].comments == ("`my.lab 1` is called my-lab-1 here",)


def test_a_conversation_has_one_agent() -> None:
    found = read(f"session_name: s\nwindows:\n- {{window_name: w, panes: [claude -r {ID}, claude -r {ID}]}}\n")
    assert [each.conversation for each in found.agents] == [ID, ""]
    assert any("already has it" in line for line in told(found))


def test_only_a_session_with_one_pane_is_that_of_its_agent() -> None:
    assert one("claude").agents[0].session == "lab"
    assert {each.session for each in own("lab.yaml").agents} == {""}


def test_anchors_and_merge_keys_are_followed() -> None:
    found = read(
        "session_name: s\nwindows:\n- &w\n  window_name: one\n  start_directory: /a\n  panes: [claude]\n"
        "- {<<: *w, window_name: two}\n"
    )
    assert [(each.agent, each.path) for each in found.agents] == [("one", "/a"), ("two", "/a")]


DEEP = "session_name: s\nwindows: " + "[" * 60 + "]" * 60
BOMB = "session_name: s\na: &a [x,x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\n" + "".join(
    f"{new}: &{new} [{','.join([f'*{old}'] * 10)}]\n" for old, new in zip("bcdefg", "cdefgh", strict=True)
)
WRONG: dict[str, tuple[str | bytes, str]] = {
    "nothing": ("", ":1:1: no `session_name`: this is not a workspace file of tmuxp"),
    "a list": ("- a\n", ":1:1: `` must be a mapping"),
    "no windows": ("session_name: s\n", ":1:1: no `windows`: this is not a workspace file of tmuxp"),
    "windows as a word": ("session_name: s\nwindows: w\n", ":2:1: `windows` must be a list"),
    "a window as a word": ("session_name: s\nwindows: [w]\n", ":2:11: `windows.0` must be a mapping"),
    "panes as a word": ("session_name: s\nwindows: [{panes: x}]\n", ":2:12: `windows.0.panes` must be a list"),
    "a name as a list": ("session_name: [s]\nwindows: [{}]\n", ":1:1: `session_name` must be text"),
    "environment as a list": (
        "session_name: s\nenvironment: [a]\nwindows: [{}]\n",
        ":2:1: `environment` must be a mapping",
    ),
    "a command in a command": (
        "session_name: s\nwindows: [{panes: [{shell_command: [[{a: [b]}]]}]}]\n",
        ":2:37: `windows.0.panes.0.shell_command.0` must be text",
    ),
    "a folder as a mapping": (
        "session_name: s\nstart_directory: {a: b}\nwindows: [{}]\n",
        ":2:1: `start_directory` must be text",
    ),
    "a tab": ("session_name: s\nwindows:\n\t- a\n", ":3:1: YAML does not allow a tab here"),
    "not closed": ("session_name: 's\n", ":2:1: not YAML"),
    "twice": ("session_name: s\nsession_name: t\n", ":2:1: `session_name` is defined twice"),
    "two documents": ("a: 1\n---\nb: 1\n", ":2:1: more than one YAML document"),
    "deep": (DEEP, ":2:40: nested more than 30 levels deep"),
    "a bomb": (BOMB, ":5:29: `*c` makes the file too big"),
    "a loop": ("session_name: &a [*a]\n", ":1:19: `*a` refers to itself"),
    "no anchor": ("session_name: *a\n", ":1:15: `*a` refers to no anchor before it"),
    "a tag": (
        "session_name: !!python/object:os.system x\n",
        ":1:15: the tag `tag:yaml.org,2002:python/object:os.system` is not supported",
    ),
    "a control character": ("session_name: a\x07\n", ":1:16: the control character U+0007"),
    "not UTF-8": (b"session_name: s\nx: \xff\n", ":2: not UTF-8: byte 0xff"),
    "too big": (b"#" * (1024 * 1024 + 1), ":1: the file is too big (1,048,577 bytes)"),
}


@pytest.mark.parametrize(("text", "message"), WRONG.values(), ids=WRONG)
def test_a_bad_file_is_one_error_with_its_place(text: str | bytes, message: str) -> None:
    with pytest.raises(ReconcilerError) as caught:
        read(text)
    assert caught.value.summary == f"/srv/lab/conf/lab.yaml{message}"


def test_json_may_be_indented_with_tabs_and_hold_escapes() -> None:
    text = '{\n\t"session_name": "l\\u0061b",\n\t"windows": [{"window_name": "w", "panes": ["claude"]}]\n}\n'
    assert [each.workspace for each in read(text, "/srv/lab.json").agents] == ["lab"]


def test_an_escaped_control_character_keeps_an_agent_out_of_a_manifest() -> None:
    found = read("session_name: s\nwindows:\n- {window_name: w, panes: [\"claude --x '\\a'\"]}\n")
    assert found.agents == ()
    assert told(found) == ["3 the agent `w`: its folder, arguments or environment contain a control character"]
