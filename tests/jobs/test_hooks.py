"""Hooks in the settings of agent CLIs: put in, taken out, and nothing else touched."""

from __future__ import annotations

import json
import os
import stat

import pytest

from reconciler.agents.catalogue import BUILT_IN, catalogue
from reconciler.agents.hooks import HookScope
from reconciler.agents.subject import AgentEnvironment
from reconciler.jobs.hooks import install, uninstall, wiring
from reconciler.model.errors import ReconcilerError
from reconciler.ports.files import RealFiles
from reconciler.text import json as json_text

PROFILES = catalogue([])
CLIS = [name for name in BUILT_IN if PROFILES[name].hooks]
FILES = RealFiles()
THEIRS = {"hooks": {"Stop": [{"matcher": "", "hooks": [{"type": "command", "command": "say done"}]}]}}
LAYOUTS = {
    "usual": json.dumps({"model": "x", **THEIRS, "env": {"TOKEN": "é"}}, indent=2, ensure_ascii=False) + "\n",
    "tabs": json.dumps({"model": "x", **THEIRS}, indent="\t"),
    "one line": json.dumps(THEIRS),
    "compact": json.dumps(THEIRS, separators=(",", ":")),
    "windows": json.dumps(THEIRS, indent=4).replace("\n", "\r\n"),
    "odd": '\n\n{ "a" :1 ,\n\n "hooks":{ "Stop" : [ ] , "PreToolUse":[{"hooks":[]} ]} }  \n',
    "empty": "{}",
    "hollow": "{\n}\n",
    "hollow hooks": '{\n  "hooks": {\n  }\n}\n',
    "empty hooks": '{"hooks": {}}',
    "empty list": '{"hooks": {"Stop": [\n]}}',
}


def test_a_folder_that_is_not_utf_8_is_named_and_the_settings_stay(tmp_path):
    jobs = str(tmp_path / "jobs\udcff")
    wired = wiring(PROFILES["claude"], HookScope.PROJECT, AgentEnvironment(str(tmp_path), str(tmp_path), {}), jobs)
    with pytest.raises(ReconcilerError, match="the text is not valid UTF-8") as caught:
        install(wired, FILES)
    assert r"jobs\xff" in caught.value.detail
    assert not os.path.exists(wired.path)


@pytest.fixture
def wired(tmp_path):
    return wired_for("claude", tmp_path)


def wired_for(cli, folder, scope=HookScope.PROJECT, jobs="/srv/my jobs/.mam"):
    subject = AgentEnvironment(str(folder / "work"), str(folder / "home"), {})
    return wiring(PROFILES[cli], scope, subject, jobs)


def settings(wired, text):
    os.makedirs(os.path.dirname(wired.path), exist_ok=True)
    with open(wired.path, "wb") as file:
        file.write(text.encode())


def content(wired):
    with open(wired.path, "rb") as file:
        return file.read().decode()


def handlers(text, event):
    return [handler for group in json.loads(text)["hooks"].get(event, []) for handler in group["hooks"]]


# --- there and back ---------------------------------------------------------------------------


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("cli", CLIS)
def test_what_was_there_stays_and_comes_back_byte_for_byte(tmp_path, cli, layout):
    wired, before = wired_for(cli, tmp_path), LAYOUTS[layout]
    settings(wired, before)

    assert install(wired, FILES)
    after = content(wired)
    assert not install(wired, FILES)
    assert content(wired) == after
    for event in wired.hooks.events:
        assert handlers(after, event)[-1] == {"type": "command", "command": wired.command, "timeout": wired.hooks.limit}
    assert json.loads(json_text.without(after, wired.owns)) == json.loads(before)

    assert uninstall(wired, FILES)
    assert content(wired) == before
    assert not uninstall(wired, FILES)


@pytest.mark.parametrize("cli", CLIS)
@pytest.mark.parametrize("scope", HookScope)
def test_a_file_that_we_made_goes_again(tmp_path, cli, scope):
    wired = wired_for(cli, tmp_path, scope)

    assert install(wired, FILES)
    assert stat.S_IMODE(os.stat(wired.path).st_mode) == 0o600
    assert wired.path.startswith(str(tmp_path / ("home" if scope is HookScope.USER else "work")))
    assert uninstall(wired, FILES)
    assert not os.path.exists(wired.path)


def test_what_others_changed_meanwhile_stays(wired):
    settings(wired, LAYOUTS["usual"])
    install(wired, FILES)
    changed = json.loads(content(wired))
    changed["hooks"]["Stop"].append({"hooks": [{"type": "command", "command": "later"}]})
    changed["hooks"]["UserPromptSubmit"][0]["hooks"].insert(0, {"type": "command", "command": "beside ours"})
    settings(wired, json.dumps(changed, indent=2))

    uninstall(wired, FILES)

    assert [each["command"] for each in handlers(content(wired), "Stop")] == ["say done", "later"]
    assert [each["command"] for each in handlers(content(wired), "UserPromptSubmit")] == ["beside ours"]
    assert "PermissionRequest" not in content(wired)


def test_hooks_of_an_older_place_are_replaced_and_of_other_jobs_are_not(tmp_path, wired):
    other = wired_for("claude", tmp_path, jobs="/srv/others")
    install(other, FILES)
    settings(
        wired, content(wired).replace("others", "my jobs/.mam").replace(" /srv/my jobs/.mam", " '/srv/my jobs/.mam'")
    )
    settings(wired, content(wired).replace(wired.command.split()[0], "/gone/python"))
    install(other, FILES)

    assert install(wired, FILES)

    assert [each["command"] for each in handlers(content(wired), "Stop")] == [other.command, wired.command]
    uninstall(wired, FILES)
    assert [each["command"] for each in handlers(content(wired), "Stop")] == [other.command]


def test_a_linked_file_is_written_through_and_keeps_its_mode(tmp_path, wired):
    target = tmp_path / "dotfiles.json"
    target.write_text(LAYOUTS["usual"])
    target.chmod(0o640)
    os.makedirs(os.path.dirname(wired.path))
    os.symlink(target, wired.path)

    install(wired, FILES)

    assert os.path.islink(wired.path)
    assert wired.command in target.read_text()
    assert stat.S_IMODE(target.stat().st_mode) == 0o640
    uninstall(wired, FILES)
    assert target.read_text() == LAYOUTS["usual"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{",
        '{"a": 1, // why\n "b": 2}',
        '{"a": 1,}',
        '{"hooks": {}, "hooks": {}}',
        '{"hooks": []}',
        '{"hooks": {"Stop": {}}}',
        '\ufeff{"a": 1}',
        '{"hooks": null}',
    ],
)
def test_what_cannot_be_edited_exactly_is_refused_and_stays(wired, text):
    settings(wired, text)

    with pytest.raises(ReconcilerError) as error:
        install(wired, FILES)

    assert wired.command in error.value.fix
    assert content(wired) == text


def test_settings_that_are_no_text_are_refused(wired):
    settings(wired, "{}")
    with open(wired.path, "ab") as file:
        file.write(b"\xff")

    with pytest.raises(ReconcilerError):
        install(wired, FILES)


def test_the_command_is_safe_for_a_shell(tmp_path):
    import shlex

    wired = wired_for("claude", tmp_path, jobs="/srv/$(touch x); 'y' \"z\"")

    assert shlex.split(wired.command)[-5:] == ["job", "hook", "claude", "--registry-dir", "/srv/$(touch x); 'y' \"z\""]
