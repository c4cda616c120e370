"""Project files of tmuxinator: one that it made itself, and the forms that its documentation has."""

from __future__ import annotations

import pytest
from othertools_cases import AROUND, CODEX_ID, FILES, ID, told

from reconciler.adopt.foreign_file import ForeignFile
from reconciler.adopt.tmuxinator import read_tmuxinator
from reconciler.model.adoption import Findings
from reconciler.model.errors import ReconcilerError


def read(text: str | bytes, path: str = "/home/u/.config/tmuxinator/lab.yml") -> Findings:
    return read_tmuxinator(ForeignFile(path, text.encode() if isinstance(text, str) else text), AROUND)


def own(name: str) -> Findings:
    return read((FILES / "tmuxinator" / name).read_bytes())


def test_a_project_that_tmuxinator_made_of_a_session_has_shells_only() -> None:
    found = own("frozen.yml")
    assert found.agents == ()
    assert [line.partition(": ")[2] for line in told(found) if "only a" in line] == ["it is only a shell"] * 3


def test_a_project_that_tmuxinator_took_keeps_folders_titles_and_conversations() -> None:
    found = own("lab.yml")
    assert [(each.workspace, each.agent, each.type, each.path, each.conversation) for each in found.agents] == [
        ("my-lab-sub", "reviewer", "claude", "/srv/lab/api/sub", ""),
        ("my-lab-api", "codex", "codex", "/srv/lab/api", CODEX_ID),
        ("my-lab", "writer", "claude", "/srv/lab", ID),
        ("my-lab-srv", "listed", "gemini", "/srv", ""),
    ]
    assert {tuple(each.env.items()) for each in found.agents} == {(("REVIEW_MODE", "strict"),)}
    assert found.agents[0].args == ("--model", "opus")  # by its anchor
    assert [line for line in told(found) if "looks" not in line and "does not know" not in line] == [
        "4 `on_project_start` of project `my.lab`: reconciler runs no other commands before or after its agents",
        "11 `ulimit -n 4096`, which runs before the agent: a manifest only starts the agent",
        "17 pane 3 of window `agents`: `vim`: it is an editor, not an agent",
        "18 pane 4 of window `agents`: it is only a shell",
        "23 window `empty`: it is only a shell",
    ]


def one(window: str, project: str = "root: /srv") -> Findings:
    return read(f"name: lab\n{project}\nwindows:\n- w: {window}\n")


FORMS = [
    "claude",
    "[claude]",
    "[cd ., claude]",
    "{panes: [claude]}",
    "{panes: [[cd ., claude]]}",
    "{panes: [{reviewer: claude}]}",
    "{panes: [{reviewer: [clear, claude]}]}",
    "{panes: claude}",
]


@pytest.mark.parametrize("window", FORMS)
def test_each_form_of_a_window_is_read(window: str) -> None:
    found = one(window)
    assert [(each.type, each.agent) for each in found.agents] == [
        ("claude", "reviewer" if "reviewer" in window else "w")
    ]


@pytest.mark.parametrize(
    "window", ["", "[]", "{}", "{panes: }", "{panes: [null]}", "{layout: tiled}", "{panes: [t: ]}"]
)
def test_each_form_of_an_empty_window_is_a_shell(window: str) -> None:
    assert one(window).agents == ()
    assert "it is only a shell" in told(one(window))[-1]


@pytest.mark.parametrize(
    ("project", "window", "folder"),
    [
        ("root: /srv", "claude", "/srv"),
        ("root: ~/x", "claude", "/home/u/x"),
        ("project_root: /p", "claude", "/p"),
        ("root: <%= ENV['HOME'] %>/x", "claude", "/home/u/x"),
        ("root: <%= Dir.home -%>/x", "claude", "/home/u/x"),
        ("root: rel", "claude", "/home/u/here/rel"),
        ("attach: true", "claude", "/home/u/here"),
        ("root: /srv", "{root: api, panes: [claude]}", "/srv/api"),
        ("root: /srv", "{root: /abs, panes: [claude]}", "/abs"),
        ("root: /srv", "{root: ~/w, panes: [claude]}", "/home/u/w"),
        ("root: <%= @args[0] %>", "{root: /abs, panes: [claude]}", "/abs"),
    ],
)
def test_the_folder_comes_from_the_nearest_level(project: str, window: str, folder: str) -> None:
    assert [each.path for each in one(window, project).agents] == [folder]


def test_a_relative_root_of_a_projects_own_file_starts_at_its_folder() -> None:
    text = "name: x\nroot: sub\nwindows: [w: claude]\n"
    assert read(text, "/srv/lab/.tmuxinator.yml").agents[0].path == "/srv/lab/sub"


def test_a_project_without_a_name_is_called_after_its_file_or_folder() -> None:
    text = "windows: [w: claude]\n"
    assert read(text, "/c/tmuxinator/site.yml").agents[0].workspace == "site"
    assert read(text, "/srv/lab/.tmuxinator.yml").agents[0].workspace == "lab"


def test_old_names_of_keys_are_read() -> None:
    found = read("project_name: p\nproject_root: /p\ntabs:\n- w: claude\n")
    assert [(each.workspace, each.path, each.session) for each in found.agents] == [("p", "/p", "p")]


@pytest.mark.parametrize("key", ["rbenv: 3.3", "rvm: 3.3", "pre_tab: nvm use", "pre_window: [nvm use]"])
def test_a_line_before_each_window_is_told_once(key: str) -> None:
    found = read(f"name: x\nroot: /x\n{key}\nwindows:\n- a: claude\n- b: codex\n- c:\n")
    assert len(found.agents) == 2
    assert [line for line in told(found) if "before the agent" in line] == [told(found)[0]]
    assert told(found)[1:] == ["7 window `c`: it is only a shell"]


KEYS = [
    "on_project_start: x",
    "on_project_stop: x",
    "pre: x",
    "post: x",
    "socket_name: s",
    "tmux_options: -f x",
    "startup_window: w",
    "attach: false",
    "enable_pane_titles: true",
    "unknown: 1",
]


@pytest.mark.parametrize("key", KEYS)
def test_a_key_without_counterpart_is_told_with_its_place(key: str) -> None:
    found = one("claude", key)
    assert len(found.agents) == 1
    assert [line[: line.index(": ")] for line in told(found)] == [f"2 `{key.partition(':')[0]}` of project `lab`"]


def test_ruby_is_never_run_and_told_with_its_place() -> None:
    found = read(
        "name: <%= @settings['x'] %>\nroot: /srv\n<%# a remark %>\n<% if ENV['CI'] %>\nwindows:\n"
        "- a: claude --model <%= m %>\n- b: codex\n- <%= n %>: gemini\n<% end %>\n"
    )
    assert [(each.agent, each.type, each.place.line if each.place else 0) for each in found.agents] == [
        ("b", "codex", 7),
        ("gemini", "gemini", 8),
    ]
    assert [line.partition(":")[0] for line in told(found)] == [
        "1 `<%= @settings['x'] %>`",
        "4 `<% if ENV['CI'] %>`",
        "6 `<%= m %>`",
        "8 `<%= n %>`",
        "9 `<% end %>`",
        "6 window `a`",
    ]


def test_an_agent_in_a_folder_that_ruby_names_is_left_alone() -> None:
    found = one("claude", "root: <%= @args[0] %>")
    assert found.agents == ()
    assert "its folder is not known" in told(found)[-1]


def test_a_second_name_beside_a_window_is_told() -> None:
    found = read("name: x\nroot: /x\nwindows:\n- a: claude\n  b: codex\n")
    assert [each.agent for each in found.agents] == ["a"]
    assert told(found) == ["5 `b` beside window `a`: tmuxinator reads only the first name of a window"]


WRONG: dict[str, tuple[str | bytes, str]] = {
    "nothing": ("", ":1:1: no `windows`: this is not a project file of tmuxinator"),
    "windows as a mapping": ("name: x\nwindows: {a: b}\n", ":2:1: `windows` must be a list"),
    "a window as a word": (
        "windows:\n- vim\n",
        ":2:3: `windows.0` must be a name with commands, such as `- editor: vim`",
    ),
    "a command as a mapping": ("windows:\n- w: [{a: b}]\n", ":2:7: `windows.0.w.0` must be text"),
    "a root as a list": ("root: [a]\nwindows: [w: x]\n", ":1:1: `root` must be text"),
    "deep": ("windows: " + "[" * 99, ":1:40: nested more than 30 levels deep"),
    "a ruby object": ("windows: !ruby/object:X {}\n", ":1:10: the tag `!ruby/object:X` is not supported"),
    "not UTF-8": (b"\xfe\xff\n", ":1: not UTF-8: byte 0xfe"),
    "Ruby that breaks it": ("windows:\n- a: <%= x %> : <%= y %>\n", ":2:8: not YAML"),
}


@pytest.mark.parametrize(("text", "message"), WRONG.values(), ids=WRONG)
def test_a_bad_file_is_one_error_with_its_place(text: str | bytes, message: str) -> None:
    with pytest.raises(ReconcilerError) as caught:
        read(text)
    assert caught.value.summary == f"/home/u/.config/tmuxinator/lab.yml{message}"
