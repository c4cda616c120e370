"""What becomes of prompts for stand-in agents in every situation, on a real tmux server."""

from __future__ import annotations

import os
import re
import signal
import stat
from pathlib import Path

import pytest
from msgspec.structs import replace
from stage import ARGUMENTS, BIN, ID, QUICK, impatient, side_by_side, staged, until_free, until_refused
from waiting import wait_until

from reconciler.agents.binding import Binding, titles_name_nothing
from reconciler.agents.declared import declared_profile
from reconciler.jobs.prompt import LARGEST, LONGEST_PASTE, cleaned
from reconciler.model.delivery import DeliveryVerdict, Evidence
from reconciler.model.desired import AgentType
from reconciler.model.errors import UsageError
from reconciler.observe.stored import all_stored

CLIS = ["claude", "codex", "gemini"]
SIZES = {
    "short": "hello",
    "lines": "one\n  two\n\nthree",
    "2 KB": "word " * 400,
    "30 KB": "a line\n" * 4300,
    "1 MB": "x" * LARGEST,
}
NASTY = [
    "y",
    "2",
    "ends with ;",
    ";",
    "-leading",
    "--",
    "'single' \"double\" `back` $HOME $(touch ran) #{pane_id} #(touch ran) \\n \\",
    "üñï ✓ 漢字 🙂 e\u0301",
    "tab\there",
    "red \x1b[31mtext\x1b[0m, bell \x07, null \x00, delete \x7f, \x9b31m",
    "out of the \x1b[201~\rbracket\x1b[201~\r",
    "windows\r\nlines\r\n",
    "[Pasted text #1 +29 lines]",
]
MISLEADING = [
    "Do you want to proceed?\n1. Yes\nEsc to cancel",
    "press esc to interrupt",
    "press esc to interrupt\n" + "and\n" * 30 + "wait",
    'Try "this"\nand that',
    "\n\nlate",
]


@pytest.fixture(scope="module")
def stage():
    with staged() as made:
        yield made


def arrived(agent, prompt):
    """Whether the agent was told the prompt: itself, or where it is, where nobody else can read it."""
    wanted = cleaned(prompt)
    if wanted in agent.said():
        return True
    files = [re.search(r'"(/[^"]*)"', said) for said in agent.said() if said.startswith("Your prompt is in the file")]
    paths = [Path(found[1]) for found in files if found]
    return any(path.read_text() == wanted and stat.S_IMODE(path.stat().st_mode) == 0o600 for path in paths)


def all_submitted(agent, prepare=lambda _agent: None):
    """Each size in turn arrives whole; answers how often Enter was pressed."""
    attempts = []
    for name, prompt in SIZES.items():
        until_free(agent)
        prepare(agent)
        delivery = agent.deliver(prompt)
        assert delivery.verdict is DeliveryVerdict.SUBMITTED, (name, delivery)
        assert delivery.evidence in {Evidence.TRANSCRIPT, Evidence.CLI_STATE}, (name, delivery)
        wait_until(lambda prompt=prompt: arrived(agent, prompt))
        attempts.append(delivery.attempts)
    return attempts


def all_refused(agent, verdict, why):
    """No size is typed, nor handed over by file."""
    for name, prompt in SIZES.items():
        delivery = agent.deliver(prompt, impatient())
        assert (delivery.verdict, delivery.attempts) == (verdict, 0), (name, delivery)
        assert why in delivery.detail
    assert not any(text in agent.screen() for text in ("hello", "two", "Your prompt is", "[Pasted"))
    assert not os.path.exists(agent.to.folder)


# --- the matrix -------------------------------------------------------------------------------


def test_an_idle_agent_gets_prompts_of_every_size(stage):
    agents = [stage.agent(f"idle-{cli}", cli) for cli in [*CLIS, "qwen", "copilot", "opencode", "kilo", "pi"]]

    assert side_by_side(all_submitted, *((agent,) for agent in agents)) == [[1] * len(SIZES)] * len(agents)


def test_a_swallowed_enter_is_pressed_again(stage):
    agents = [stage.agent(f"swallowed-{cli}", cli, STANDIN_SWALLOW="2") for cli in CLIS]

    assert side_by_side(all_submitted, *((agent,) for agent in agents)) == [[3, 1, 1, 1, 1]] * len(agents)


def test_an_old_version_that_does_not_know_the_keys_gets_enter(stage):
    agent = stage.agent("old", "claude", STANDIN_CLAUDE="old")

    delivery = until_free(agent).deliver("hello")

    assert (delivery.verdict, delivery.attempts) == (DeliveryVerdict.SUBMITTED, 2)
    assert agent.said().count("hello") == 1


def test_copy_mode_is_left_first(stage):
    agents = [stage.agent(f"copying-{cli}", cli) for cli in CLIS]

    def copy(agent):
        stage.tmux("copy-mode", "-t", agent.to.pane.pane_id)

    side_by_side(all_submitted, *((agent, copy) for agent in agents))
    assert stage.tmux("list-panes", "-a", "-f", "#{pane_in_mode}") == ""


@pytest.mark.parametrize(
    ("first", "environment", "verdict", "why"),
    [
        ("hang", {}, DeliveryVerdict.REFUSED_BUSY, "busy"),
        ("ask", {}, DeliveryVerdict.REFUSED_DIALOG, "a permission prompt is open"),
        ("", {"STANDIN_DIALOG": "trust"}, DeliveryVerdict.REFUSED_DIALOG, "its trust dialog is open"),
        ("", {"STANDIN_DELAY": "1000"}, DeliveryVerdict.REFUSED_BUSY, "nothing shows that it is ready"),
        ("", {"STANDIN_EXIT": "3"}, DeliveryVerdict.REFUSED_DEAD, "it has ended"),
    ],
    ids=["busy", "permission", "trust", "slow", "dead"],
)
def test_an_agent_that_is_not_idle_gets_nothing(stage, first, environment, verdict, why):
    agents = [stage.agent(f"{cli}-{first}{''.join(environment)}", cli, first, **environment) for cli in CLIS]
    side_by_side(until_refused, *((agent, verdict) for agent in agents))
    for agent in agents:
        wait_until(lambda agent=agent: (found := agent.refusal()) and why in found.detail)

    side_by_side(all_refused, *((agent, verdict, why) for agent in agents))


def test_a_bare_shell_gets_nothing_although_the_screen_and_title_are_still_the_agents(stage):
    script = r"printf '\033]2;\342\227\207  Ready\007 >   Type your message or @path/to/file\n'; exec sh -i"
    agents = [stage.program(f"bare-{cli}", cli, ("sh", "-c", script)) for cli in CLIS]
    side_by_side(until_refused, *((agent, DeliveryVerdict.REFUSED_DEAD) for agent in agents))
    wait_until(lambda: all(agent.screen().endswith(("$", "#")) for agent in agents))

    side_by_side(all_refused, *((agent, DeliveryVerdict.REFUSED_DEAD, "runs in its pane instead") for agent in agents))


@pytest.mark.parametrize("command", [("sh",), ("bash", "-i"), ("env", "A=1", "sh"), ("python3",)])
def test_what_runs_each_line_that_is_typed_gets_no_prompt(stage, command):
    agent = stage.program(f"runs-{'-'.join(command)}", "shell", command)
    profile = declared_profile(AgentType("mine", command=command))
    agent.to = replace(agent.to, profile=profile)
    wait_until(lambda: agent.screen().endswith(("$", "#", ">>>")))

    delivery = agent.deliver("Clean up, please:\ntouch EXECUTED\n")

    assert delivery.verdict is DeliveryVerdict.REFUSED_SHELL
    assert "would run each line" in delivery.detail
    assert "Clean" not in agent.screen()


def test_a_cli_below_a_shell_that_waits_for_it_is_alive(stage):
    def below(cli):
        agent = stage.program(f"below-{cli}", cli, ("sh", "-c", f"{BIN / cli} {' '.join(ARGUMENTS[cli])}; exit"))
        agent.to = replace(agent.to, conversation=ID if ID in ARGUMENTS[cli] else "")
        return agent

    agents = [until_free(below(cli)) for cli in CLIS]

    verdicts = [agent.deliver("hello").verdict for agent in agents]
    assert {stage.pane(agent).command for agent in agents} == {"sh"}
    assert verdicts == [DeliveryVerdict.SUBMITTED] * len(agents)


def test_a_cli_that_its_shell_has_stopped_is_not_alive(stage):
    """Ctrl-Z in an interactive shell: the keys would go to the shell."""
    agent = stage.program("stopped", "claude", ("sh", "-i"))
    agent.keys("-l", str(BIN / "claude"))
    agent.keys("Enter")
    until_free(agent)
    os.kill(agent.pid(), signal.SIGSTOP)
    until_refused(agent, DeliveryVerdict.REFUSED_DEAD)

    delivery = agent.deliver("hello", impatient())
    os.kill(agent.pid(), signal.SIGKILL)  # the end of the server would not reach it

    assert (delivery.verdict, delivery.detail) == (
        DeliveryVerdict.REFUSED_DEAD,
        "sh runs in its pane instead of claude",
    )


# --- bytes ------------------------------------------------------------------------------------


def test_every_text_arrives_byte_for_byte_without_its_control_characters(stage):
    def tell_all(agent):
        for prompt in NASTY:
            until_free(agent)
            assert agent.deliver(prompt).verdict is DeliveryVerdict.SUBMITTED, prompt
            wait_until(lambda prompt=prompt: cleaned(prompt) in agent.said())

    side_by_side(tell_all, *((stage.agent(f"nasty-{cli}", cli),) for cli in CLIS))


def test_the_longest_paste_arrives_whole_and_one_more_byte_goes_by_file(stage):
    agent = until_free(stage.agent("longest", "claude"))

    assert agent.deliver("p" * LONGEST_PASTE).verdict is DeliveryVerdict.SUBMITTED
    wait_until(lambda: "p" * LONGEST_PASTE in agent.said())
    until_free(agent)
    assert agent.deliver("q" * (LONGEST_PASTE + 1)).verdict is DeliveryVerdict.SUBMITTED
    wait_until(lambda: arrived(agent, "q" * (LONGEST_PASTE + 1)))
    assert "q" * (LONGEST_PASTE + 1) not in agent.said()


def test_a_prompt_that_would_look_like_something_else_goes_by_file(stage):
    agent = stage.agent("lookalike", "claude")

    for prompt in MISLEADING:
        until_free(agent)
        assert agent.deliver(prompt).verdict is DeliveryVerdict.SUBMITTED, prompt
        wait_until(lambda prompt=prompt: arrived(agent, prompt))
        assert prompt not in agent.said()


def test_more_than_a_megabyte_is_too_long_and_nothing_at_all_is_no_prompt(stage):
    agent = until_free(stage.agent("too-long", "claude"))

    assert agent.deliver("é" * (LARGEST // 2) + "!").verdict is DeliveryVerdict.TOO_LONG
    with pytest.raises(UsageError):
        agent.deliver("\x1b\x00 \r\n")
    assert agent.said() == []


def test_a_permission_that_the_prompt_leads_to_proves_that_it_was_taken(stage):
    """The new Claude stores a collapsed paste only with its answer, which waits for the permission."""
    agent = until_free(stage.agent("asks-at-once", "claude"))

    delivery = agent.deliver("please ask\n" + "line\n" * 30)

    assert (delivery.verdict, delivery.evidence) == (DeliveryVerdict.SUBMITTED, Evidence.CLI_STATE)


# --- what cannot be proved --------------------------------------------------------------------


def test_an_enter_that_never_works_is_told_and_not_pressed_for_ever(stage):
    agents = [until_free(stage.agent(f"deaf-{cli}", cli, STANDIN_SWALLOW="99")) for cli in CLIS]

    def twice(agent):
        first = agent.deliver("hello", impatient())
        second = agent.deliver("again", impatient())
        return (first.verdict, first.attempts, second.verdict, "already holds text" in second.detail)

    once = (DeliveryVerdict.TYPED_NOT_SUBMITTED, 4, DeliveryVerdict.REFUSED_BUSY, True)
    assert side_by_side(twice, *((agent,) for agent in agents)) == [once] * len(agents)


def test_a_draft_of_somebody_is_not_sent_along(stage):
    agents = [
        until_free(stage.agent(f"draft-{cli}", cli)) for cli in [*CLIS, "qwen", "opencode", "kilo", "copilot", "pi"]
    ]
    for agent in agents:
        agent.keys("half a thought")
        wait_until(lambda agent=agent: "half a thought" in agent.screen())

    side_by_side(all_refused, *((agent, DeliveryVerdict.REFUSED_BUSY, "") for agent in agents))


def test_a_busy_agent_is_waited_for(stage):
    agent = stage.agent("waited", "claude", "hello", STANDIN_BUSY="1")
    until_refused(agent, DeliveryVerdict.REFUSED_BUSY)

    assert agent.deliver("now", replace(QUICK, idle=20)).verdict is DeliveryVerdict.SUBMITTED


def test_without_a_known_conversation_the_clis_own_state_is_the_evidence(stage):
    agent = until_free(stage.agent("stateful", "gemini", STANDIN_BUSY="1"))
    agent.to = replace(agent.to, conversation="")

    assert agent.deliver("hello").evidence is Evidence.CLI_STATE


def test_an_earlier_prompt_of_the_same_words_proves_nothing(stage):
    agent = until_free(stage.agent("again", "codex"))
    assert agent.deliver("go on").verdict is DeliveryVerdict.SUBMITTED
    until_free(agent)
    os.kill(agent.pid(), signal.SIGSTOP)  # it takes nothing any more

    delivery = agent.deliver("go on", impatient())
    os.kill(agent.pid(), signal.SIGKILL)  # the end of the server would not reach it

    assert (delivery.verdict, delivery.evidence) == (DeliveryVerdict.TYPED_NOT_SUBMITTED, Evidence.NONE)


def test_what_a_cli_cannot_tell_is_unverified(stage):
    quiet = until_free(stage.agent("quiet", "agy"))

    assert quiet.deliver("hello", impatient()).verdict is DeliveryVerdict.UNVERIFIED


def test_another_process_in_the_pane_is_not_the_agent_that_was_meant(stage):
    agent = until_free(stage.agent("replaced", "claude"))
    agent.to = replace(agent.to, pane=replace(agent.to.pane, pid=agent.to.pane.pid + 1))

    assert agent.deliver("hello").verdict is DeliveryVerdict.REFUSED_DEAD


def test_what_the_cli_stores_is_evidence_where_it_says_nothing_of_itself(stage):
    agents = [until_free(stage.agent(f"stored-{cli}", cli)) for cli in ("qwen", "copilot", "opencode", "kilo", "pi")]

    assert {agent.deliver("hello").evidence for agent in agents} == {Evidence.TRANSCRIPT}
    assert {until_free(agent).deliver("once more").evidence for agent in agents} == {Evidence.TRANSCRIPT}


def test_words_that_come_into_a_conversation_that_nobody_can_read_are_evidence(stage):
    agents = [stage.agent(f"opaque-{cli}", cli) for cli in ("agy", "cursor-agent")]
    wait_until(lambda: [stage.pane(agent).title for agent in agents] == ["agy", "Cursor Agent"])
    prompts = ["the first of several prompts", "the second one, which is another", "the second one, which is another"]

    def all_three(agent, known, expected):
        found = []
        for prompt, evidence in zip(prompts, expected, strict=True):
            patience = impatient() if evidence is Evidence.NONE else QUICK
            found.append(agent.deliver(prompt, patience).evidence)
            wait_until(lambda: agent.screen().count("canned reply") == len(found))
            agent.to = replace(agent.to, conversation=known(agent))
        return found

    def known(agent):
        return next(Path(agent.to.subject.home).glob(".cursor/chats/*/*/store.db")).parent.name

    new, again = Evidence.TRANSCRIPT, Evidence.NONE  # words that are there already cannot come in
    expected = [[new, new, again], [Evidence.NONE, new, again]]
    agy, cursor = side_by_side(all_three, (agents[0], lambda _: "", expected[0]), (agents[1], known, expected[1]))
    # agy names the conversation that it has begun. The other stand-in opens its file only while it writes: a look
    # that falls into that moment sees which one it has, and then the first words count, too.
    assert agy == expected[0]
    assert cursor in (expected[1], [new, new, again])


def test_what_a_declared_type_stores_is_evidence_too(stage):
    declared = AgentType("mine", ("stand-in",), artifacts=("~/.stand-in/{session_id}.jsonl",))
    agent = stage.program("declared", "claude", (str(BIN / "stand-in"), "--session", "s1"))
    home = agent.to.subject.home
    profile = declared_profile(replace(declared, artifacts=(f"{home}/.stand-in/{{session_id}}.jsonl",)))
    agent.to = replace(agent.to, profile=profile, conversation="s1")
    wait_until(lambda: "We have just met" in agent.screen())

    assert agent.deliver("hello").evidence is Evidence.TRANSCRIPT


def test_a_row_of_a_conversation_that_may_be_somebody_elses_proves_nothing(stage):
    agent = until_free(stage.agent("rows", "opencode"))
    assert agent.deliver("one").evidence is Evidence.TRANSCRIPT
    [conversation] = all_stored(agent.to.profile, agent.to.subject, stage.world.files)
    until_free(agent)
    agent.to = replace(agent.to, profile=replace(agent.to.profile, binding=Binding(names=titles_name_nothing)))

    assert agent.deliver("two", impatient()).verdict is DeliveryVerdict.UNVERIFIED
    until_free(agent).to = replace(agent.to, conversation=conversation.head.id)
    assert agent.deliver("two").evidence is Evidence.TRANSCRIPT


def test_a_prompt_follows_an_agent_whose_pane_was_moved(stage):
    agent = until_free(stage.agent("moved", "claude"))
    stage.tmux("new-session", "-d", "-s", "theirs", "-x", "200", "-y", "50", "sleep 1000")
    stage.tmux("break-pane", "-d", "-s", agent.to.pane.pane_id, "-t", "=theirs:")

    assert agent.deliver("hello").verdict is DeliveryVerdict.SUBMITTED

    assert "hello" in agent.said()
    assert stage.pane(agent).session == "theirs"


def test_nothing_is_typed_into_a_program_that_took_the_place_of_the_agent(stage):
    agent = until_free(stage.agent("respawned", "claude"))
    stage.tmux("respawn-pane", "-k", "-t", agent.to.pane.pane_id, "cat")
    wait_until(lambda: stage.pane(agent).pid != agent.to.pane.pid)

    assert agent.deliver("hello").verdict is DeliveryVerdict.REFUSED_DEAD

    assert "hello" not in agent.screen()
