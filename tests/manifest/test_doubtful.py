"""What a manifest may say, but hardly means, is a warning; the manifest is valid."""

from __future__ import annotations

import pytest

from reconciler.manifest import ManifestContext, Source, load

CONTEXT = ManifestContext(root="/project", home="/home/u", env={"HOME": "/home/u"}, default_project="project")


def warnings(text: str) -> list[str]:
    desired = load([Source("m.yaml", f"version: 1\n{text}".encode())], CONTEXT, ["claude", "codex"]).desired
    return [f"{each.place.line}:{each.place.column} {each.summary} / {each.fix}" for each in desired.diagnostics]


@pytest.mark.parametrize(
    ("argument", "said"),
    [
        (
            "--model opus",
            '`--model opus` is one argument of agent.lab.claude, with a space in it / write `"--model", opus`',
        ),
        ("-m 'a b'", "`-m 'a b'` is one argument of agent.lab.claude, with a space in it / write `\"-m\", a b`"),
        ("$HOME", "`$HOME` in the arguments of agent.lab.claude stays as it is: no shell reads it / write `${HOME}`"),
        (
            "--dir=$HOME/x",
            "`$HOME` in the arguments of agent.lab.claude stays as it is: no shell reads it / write `${HOME}`",
        ),
    ],
)
def test_an_argument_that_only_a_shell_would_take_apart(argument: str, said: str):
    quoted = argument.replace('"', '\\"')
    found = warnings(f'workspaces:\n  lab:\n    path: lab\n    agents:\n      claude:\n        args: [a, "{quoted}"]\n')
    assert [each.partition(" ")[2] for each in found] == [said]


@pytest.mark.parametrize("argument", ["--model=opus", "fix the header", "a $ b", "-", "--", "${HOME}", "costs $5"])
def test_an_argument_that_is_meant_as_it_is(argument: str):
    assert warnings(f'workspaces: {{lab: {{path: lab, agents: {{claude: {{args: ["{argument}"]}}}}}}}}\n') == []


def test_two_workspaces_in_one_folder():
    found = warnings("workspaces:\n  lab: {path: lab}\n  attic: {path: /project/lab}\n  other: {path: other}\n")
    assert [each.partition(" ")[2].partition(" / ")[0] for each in found] == [
        "workspace.lab and workspace.attic are the same folder"
    ]
    assert found[0].startswith("4:11 ")


def test_keys_of_the_users_own_hold_anchors():
    text = "x-base: &base {protect: true}\nx-other: 3\nworkspaces: {lab: {path: lab, agents: {claude: {<<: *base}}}}\n"
    loaded = load([Source("m.yaml", f"version: 1\n{text}".encode())], CONTEXT, ["claude"])
    [agent] = loaded.desired.agents.values()
    assert agent.protect
    assert not any(key.startswith("x-") for key in loaded.documents[0].content)
