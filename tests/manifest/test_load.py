import hashlib
import json
import subprocess
import sys

import pytest

from reconciler.manifest import ManifestContext, Source, load, remembered
from reconciler.model.address import agent_address, workspace_address
from reconciler.model.broker import Access, Grant, Listener
from reconciler.model.desired import EnvOrigin, Git, RunState, Socket

AROUND = ManifestContext(root="/project", home="/home/u", env={"MODEL": "opus", "EMPTY": ""}, default_project="folder")
TYPES = ["claude"]


def desired(text, around=AROUND):
    return load([Source("m.yaml", text.encode())], around, TYPES).desired


def agent(said, *, workspace="{}", defaults="{}"):
    text = f"""
version: 1
defaults: {{agent: {defaults}}}
workspaces:
  lab:
    path: ~/lab
    env: {workspace}
    agents:
      claude: {said}
"""
    return desired(text).agents[agent_address("lab", "claude")]


def test_an_agent_without_words_gets_every_default():
    found = agent("")
    assert (found.type, found.role, found.session) == ("claude", "creator", "lab-creator-claude")
    assert (found.cwd, found.resume, found.state, found.protect) == ("/home/u/lab", "auto", RunState.RUNNING, False)
    assert (found.place.line, found.place.column) == (9, 7)


def test_the_role_is_part_of_the_session_name():
    assert agent("{role: reviewer}").session == "lab-reviewer-claude"


def test_defaults_hold_where_an_agent_says_nothing():
    assert agent("", defaults="{state: stopped, args: [-x]}").state is RunState.STOPPED
    assert agent("{args: []}", defaults="{args: [-x]}").args == ()


def test_the_nearest_environment_wins():
    found = agent(
        "{env: {A: agent}}", workspace="{A: workspace, B: workspace}", defaults="{env: {B: default, C: default}}"
    )
    assert {var.name: var.value for var in found.env} == {"A": "agent", "B": "workspace", "C": "default"}


@pytest.mark.parametrize(
    ("said", "origin", "value", "source"),
    [
        ("plain", EnvOrigin.LITERAL, "plain", ""),
        ("'1'", EnvOrigin.LITERAL, "1", ""),
        ("'$${MODEL}'", EnvOrigin.LITERAL, "${MODEL}", ""),
        ("'${MODEL}'", EnvOrigin.EXPANDED, "opus", ""),
        ("'a ${MODEL} b ${NONE:-c d}'", EnvOrigin.EXPANDED, "a opus b c d", ""),
        ("'${EMPTY}'", EnvOrigin.EXPANDED, "", ""),
        ("'${EMPTY:-x}'", EnvOrigin.EXPANDED, "x", ""),
        ("{from_env: MODEL}", EnvOrigin.FROM_ENV, "", "MODEL"),
        ("{from_file: ~/key}", EnvOrigin.FROM_FILE, "", "/home/u/key"),
        ("{from_file: 'keys/${MODEL}'}", EnvOrigin.FROM_FILE, "", "/project/keys/opus"),
    ],
)
def test_an_environment_value_knows_where_it_comes_from(said, origin, value, source):
    [found] = agent(f"{{env: {{A: {said}}}}}").env
    assert (found.origin, found.value, found.source) == (origin, value, source)


def test_a_variable_in_a_workspace_environment_is_marked_too():
    [found] = agent("", workspace="{A: '${MODEL}'}").env
    assert found.origin is EnvOrigin.EXPANDED


@pytest.mark.parametrize(
    ("said", "path"),
    [
        ("'~'", "/home/u"),
        ("~/a", "/home/u/a"),
        ("a/../b", "/project/b"),
        ("/abs", "/abs"),
        ("'${MODEL}'", "/project/opus"),
    ],
)
def test_paths_become_absolute(said, path):
    found = desired(f"version: 1\nworkspaces: {{lab: {{path: {said}}}}}")
    assert found.workspaces[workspace_address("lab")].path == path


def test_a_worktree_names_repository_branch_and_base():
    found = desired("version: 1\nworkspaces: {lab: {path: x, git: {repo: ~/src, branch: wt/x, base: main}}}")
    assert found.workspaces[workspace_address("lab")].git == Git("/home/u/src", "wt/x", "main")


def test_dependencies_are_names_here_or_addresses_anywhere():
    text = """
version: 1
workspaces:
  a: {path: x, agents: {claude: }}
  b: {path: y, agents: {claude: , z: {type: claude, depends_on: [claude, agent.a.claude]}}}
"""
    found = desired(text).agents[agent_address("b", "z")]
    assert found.depends_on == (agent_address("b", "claude"), agent_address("a", "claude"))


@pytest.mark.parametrize(
    ("said", "env", "socket"),
    [
        ("{}", {}, Socket()),
        ("{}", {"TMUX_SERVER_NAME": "mine"}, Socket(name="mine")),
        ("{socket: lab}", {"TMUX_SERVER_NAME": "mine"}, Socket(name="lab")),
        ("{socket_path: ~/s}", {"TMUX_SERVER_NAME": "mine"}, Socket(path="/home/u/s")),
    ],
)
def test_the_tmux_server_is_the_declared_one_then_the_one_of_the_environment(said, env, socket):
    around = ManifestContext("/project", "/home/u", env, "folder")
    assert desired(f"version: 1\ntmux: {said}", around).socket == socket


def test_an_own_agent_type_is_taken_over_with_its_home_paths():
    found = desired(
        "version: 1\nagent_types: {mine: {command: mine, new: ['{session_id}'], resume: [-r, '{session_id}'],"
        " artifacts: ['~/{session_id}', '{cwd}/x'], busy: ^w}}"
    ).agent_types["mine"]
    assert (found.command, found.busy) == (("mine",), "^w")
    assert found.artifacts == ("~/{session_id}", "{cwd}/x")


def test_a_tilde_is_the_home_folder_at_the_start_of_every_word_of_a_command_line_and_nowhere_else():
    found = desired(
        "version: 1\nagent_types: {mine: {command: [~/bin/mine, a~/b], new: [-s, '~/s/{session_id}'],"
        " resume: [-s, '~/s/{session_id}', --at=~/x], artifacts: ['~/s/{session_id}']}}\n"
        "workspaces: {w: {path: w, agents: {mine: {args: [~/notes, '~', ~root/x, '~~'], prompt: ~/as it is}}}}"
    )
    own, agent = found.agent_types["mine"], found.agents[agent_address("w", "mine")]
    assert own.command == ("/home/u/bin/mine", "a~/b")
    assert own.new == ("-s", "/home/u/s/{session_id}")
    assert own.resume == ("-s", "/home/u/s/{session_id}", "--at=~/x")
    assert own.artifacts == ("~/s/{session_id}",)
    assert agent.args == ("/home/u/notes", "/home/u", "~root/x", "~~")
    assert agent.prompt == "~/as it is"


def test_a_command_that_is_one_word_may_begin_with_a_tilde():
    found = desired("version: 1\nagent_types: {mine: {command: ~/bin/mine}}")
    assert found.agent_types["mine"].command == ("/home/u/bin/mine",)


def test_the_project_is_named_after_its_folder_unless_it_says_otherwise():
    assert desired("version: 1\n").project == "folder"
    assert desired("version: 1\nproject: lab").project == "lab"


@pytest.mark.parametrize(
    "text", ["version: 1\n", '{"version": 1}', "version: 1\nworkspaces: {}", "---\nversion: 1\n...\n"]
)
def test_a_file_that_says_so_declares_nothing(text):
    found = desired(text)
    assert (found.workspaces, found.agents) == ({}, {})


def test_a_broker_has_a_default_for_everything():
    [broker] = desired("version: 1\nbroker: {}").brokers.values()
    assert str(broker.address) == "broker.main"
    assert broker.directory == f"{AROUND.root}/.hermes/broker"
    assert broker.listeners == (Listener(8883, "127.0.0.1"),)
    assert [(user.name, user.role.value) for user in broker.users] == [
        ("claude-worker", "worker"),
        ("hermes", "observer"),
    ]


def test_what_is_said_of_a_broker_is_taken():
    text = """
version: 1
broker:
  name: lab
  dir: ~/mq
  host: mqtt.internal
  names: [10.0.0.5]
  listeners: [{port: 8884, mtls: true}, {bind: 10.0.0.5}]
  users: {hermes: observer, ops: {acl: [read a/#, deny a/b, a b]}}
  topics: [jobs/+]
  demo_topic: true
  tls: {key: rsa-2048, leaf_days: 30, ca: {cert: ca.crt, key: ca.key}}
  persistence: false
  limits: {connections: 5}
  target: docker
"""
    [broker] = desired(text).brokers.values()
    assert (str(broker.address), broker.directory) == ("broker.lab", f"{AROUND.home}/mq")
    assert broker.listeners == (Listener(8884, "", mtls=True), Listener(8883, "10.0.0.5"))
    assert broker.users[1].grants == (
        Grant(Access.READ, "a/#"),
        Grant(Access.DENY, "a/b"),
        Grant(Access.READWRITE, "a b"),
    )
    assert (broker.tls.key.value, broker.tls.leaf_days, broker.tls.ca_days) == ("rsa-2048", 30, 3650)
    assert (broker.tls.ca_cert, broker.tls.ca_key) == (f"{AROUND.root}/ca.crt", f"{AROUND.root}/ca.key")
    assert (broker.limits.connections, broker.limits.packet_size) == (5, 262_144)
    assert (broker.host, broker.names, broker.topics) == ("mqtt.internal", ("10.0.0.5",), ("jobs/+",))
    assert (broker.demo_topic, broker.persistence, broker.target.value) == (True, False, "docker")


def test_keys_are_words_even_when_they_look_like_numbers():
    assert list(desired("version: 1\nworkspaces: {2024: {path: x}, true: {path: y}}").workspaces) == [
        workspace_address("2024"),
        workspace_address("true"),
    ]


def test_merge_keys_and_aliases_stand_for_what_they_name():
    text = """
version: 1
defaults: {agent: &base {type: claude, role: tester, args: &args [-x]}}
workspaces:
  lab:
    path: x
    agents:
      a: {<<: *base, role: writer}
      b: *base
      c: {<<: [{role: first}, *base], args: *args}
"""
    found = desired(text).agents
    assert [a.role for a in found.values()] == ["writer", "tester", "first"]
    assert all(a.args == ("-x",) for a in found.values())


def test_a_string_tag_makes_a_string():
    assert agent("{args: [!!str 1]}").args == ("1",)


def test_escapes_of_json_for_one_character_are_one_character():
    assert agent(r'{prompt: "\ud83d\ude00"}').prompt == "\N{GRINNING FACE}"


def test_yes_and_no_are_words_as_in_yaml_1_2():
    assert agent("{args: [yes, no, on, 12:30, 2024-01-01]}").args == ("yes", "no", "on", "12:30", "2024-01-01")


def test_the_digest_is_that_of_all_bytes_in_the_order_of_the_names():
    sources = [Source("b", b"version: 1\n"), Source("a", b"project: x\nversion: 1\n")]
    found = load(sources, AROUND, TYPES).desired
    assert found.digest == hashlib.sha256(sources[1].data + sources[0].data).hexdigest()
    assert found.files == ("a", "b")


TEXT = b"version: 1\nworkspaces: {lab: {path: '~/${MODEL}', agents: {claude: {env: {A: '${MODEL}'}}}}}\n"


def test_a_remembered_manifest_means_the_same():
    fresh = load([Source("m.yaml", TEXT)], AROUND, TYPES)
    [document] = fresh.documents
    known = json.loads(json.dumps({document.digest: remembered(document)}))
    assert load([Source("m.yaml", TEXT)], AROUND, TYPES, known).desired == fresh.desired


@pytest.mark.parametrize("kept", [None, [], {"content": []}, "x"])
def test_a_memory_that_makes_no_sense_is_not_used(kept):
    digest = hashlib.sha256(TEXT).hexdigest()
    assert load([Source("m.yaml", TEXT)], AROUND, TYPES, {digest: kept}).desired.agents


def test_a_remembered_manifest_needs_neither_parser_nor_validator():
    [document] = load([Source("m.yaml", TEXT)], AROUND, TYPES).documents
    program = f"""
import sys
from reconciler.manifest import Source, ManifestContext, load
around = ManifestContext("/p", "/h", {{"MODEL": "x"}}, "p")
load([Source("m.yaml", {TEXT!r})], around, ["claude"], {{{document.digest!r}: {remembered(document)!r}}})
print(*sorted({{"ruamel", "pydantic", "difflib", "jsonschema"}} & set(sys.modules)))
"""
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == []
