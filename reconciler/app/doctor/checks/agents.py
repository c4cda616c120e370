"""The agent CLIs: found, of a known version, the same from everywhere, with hooks that work."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from shlex import quote

from reconciler.agents.profile import Profile
from reconciler.agents.versions import number
from reconciler.app.doctor.facts import CliFacts, ClisFacts, HookFacts, MachineFacts
from reconciler.jobs.hooks import HooksState
from reconciler.model.checkup import CheckName, CheckResult
from reconciler.model.observed import Absent, Present, Unknown

from .results import counted, error, note, ok, some, unknown, warning


def agents(facts: MachineFacts) -> Iterator[CheckResult]:
    """The CLIs that the project uses, the others that are installed, and the search paths."""
    clis = facts.clis
    yield from (error(CheckName.CLI, each, fix="update that package, or remove it") for each in clis.broken)
    # a project without agents, and a folder without a project, may use any of them
    used = [cli for cli in clis.found if cli.agents] or [cli for cli in clis.found if cli.profile.keeps_conversations]
    for cli in used:
        yield from _cli(cli)
    yield from _others([cli for cli in clis.found if cli not in used])
    yield from _not_installed(clis)
    yield from _paths(clis, used)


def _cli(cli: CliFacts) -> Iterator[CheckResult]:
    if cli.without:
        yield _not_found(cli)
    if isinstance(cli.program, Unknown):
        yield unknown(CheckName.CLI, f"cannot tell whether {cli.profile.name} is installed", cli.program)
    if not isinstance(cli.program, Present):
        return
    yield from _version(cli, cli.program.value)
    yield from _hooks(cli)


def _others(clis: Sequence[CliFacts]) -> Iterator[CheckResult]:
    """The CLIs that are installed and not used here, in one line."""
    installed = [cli for cli in clis if isinstance(cli.program, Present) and cli.profile.keeps_conversations]
    if installed:
        said = ", ".join(map(_with_version, installed))
        yield ok(CheckName.CLI, f"installed, and not used in this project: {said}")


def _with_version(cli: CliFacts) -> str:
    return f"{cli.profile.name} {cli.version.value}" if isinstance(cli.version, Present) else cli.profile.name


def _not_found(cli: CliFacts) -> CheckResult:
    command = cli.profile.launch.command[0]
    package = next((f"npm install -g {each}" for each in cli.profile.usage.packages), "install it")
    summary = f"{command} is not on the PATH of {counted(len(cli.without), 'agent')} of this project"
    return error(CheckName.CLI, summary, some(cli.without), f"{package}, or add its folder to PATH")


def _version(cli: CliFacts, program: str) -> Iterator[CheckResult]:
    """Which version it is, and what reconciler knows of it."""
    name, profile = CheckName.CLI_VERSION, cli.profile
    match cli.version:
        case Present(version):
            yield from _known(profile, version, f"{profile.name} {version} ({program})")
        case Unknown() as why:
            yield unknown(name, f"{profile.name} ({program}) does not say its version", why)
        case _:
            knows = f": {knowledge(profile)}" if profile.keeps_conversations else ""
            yield ok(CheckName.CLI, f"{profile.name} ({program}){knows}")


def _known(profile: Profile, version: str, what: str) -> Iterator[CheckResult]:
    name, tested = CheckName.CLI_VERSION, profile.tested
    if not tested:
        yield note(name, what, f"never run in a test; by its documentation: {knowledge(profile)}")
    elif version in tested:
        yield ok(name, f"{what}: tested; {knowledge(profile)}")
    elif number(tested[0]) <= number(version) <= number(tested[-1]):
        yield ok(name, f"{what}: between tested versions; {knowledge(profile)}")
    else:
        side = "newer" if number(version) > number(tested[-1]) else "older"
        detail = f"reconciler may not understand its screen; if it does: {knowledge(profile)}"
        yield note(name, f"{what} is {side} than the tested versions, {tested[0]} to {tested[-1]}", detail)


def knowledge(profile: Profile) -> str:
    """What reconciler can tell about a running agent of this type, in a sentence."""
    state = "state known" if profile.display.tells_activity else "state not known"
    answers = "can be answered" if profile.display.permission else "cannot be answered"
    return f"{state}, conversation {profile.proof}, permission dialogs {answers} from here"


def _not_installed(clis: ClisFacts) -> Iterator[CheckResult]:
    """The built-in CLIs that nobody asked for and that are not here, in one line."""
    missing = [cli.profile.name for cli in clis.found if isinstance(cli.program, Absent) and not cli.agents]
    if missing:
        yield note(CheckName.CLI, f"not installed: {', '.join(missing)}")


def _paths(clis: ClisFacts, used: Sequence[CliFacts]) -> Iterator[CheckResult]:
    """The PATH that agents get: it is that of the command that starts them."""
    name, here = CheckName.CLI_PATH, [cli for cli in used if isinstance(cli.program, Present)]
    yield ok(name, f"agents that are started from here get this PATH: {clis.path}")
    by_login, by_server = _differences(here, "login"), _differences(here, "server")
    if by_login:
        detail = "an apply from a new terminal, or from cron, would not find what it finds here"
        fix = "put the folders of these CLIs into the PATH of your login shell (~/.profile)"
        yield warning(name, f"a login shell has another PATH: {by_login}", detail, fix)
    if by_server:
        detail = "panes that you open by hand get it; agents get the PATH of the command that starts them"
        yield note(name, f"the tmux server has another PATH: {by_server}", detail)
    if isinstance(clis.login_path, Unknown):
        yield unknown(name, "the PATH of your login shell is not known", clis.login_path)
    if isinstance(clis.server_path, Unknown):
        yield unknown(name, "the PATH of the tmux server is not known", clis.server_path)


def _differences(clis: Sequence[CliFacts], where: str) -> str:
    """What another PATH finds for these CLIs, where it is something else than here."""
    found = {cli.profile.name: cli.by_login if where == "login" else cli.by_server for cli in clis}
    here = {cli.profile.name: cli.program for cli in clis}
    missing = [name for name, other in found.items() if isinstance(other, Absent)]
    others = [f"{name} is {o.value}" for name, o in found.items() if isinstance(o, Present) and o != here[name]]
    return "; ".join([*([f"it lacks {', '.join(missing)}"] if missing else []), *others])


# --- hooks --------------------------------------------------------------------------------------


def _hooks(cli: CliFacts) -> Iterator[CheckResult]:
    """Our hooks: whether they work, and whether the CLI may run them."""
    if cli.reviewing:
        fix = f"reconciler attach {quote(cli.reviewing[0])}, and review them there"
        yield warning(CheckName.HOOKS, f"{some(cli.reviewing)}: waits until you trust its hooks", fix=fix)
    for hook in cli.hooks:
        yield from _hook(cli, hook)
    if cli.agents and cli.hooks and all(hook.state == Present(HooksState.NONE) for hook in cli.hooks):
        fix = f"reconciler job hooks install {cli.profile.name}"
        detail = "they are optional: with them, it reports to its jobs by itself"
        yield note(CheckName.HOOKS, f"{cli.profile.name}: no hooks of this project", detail, fix)


def _hook(cli: CliFacts, hook: HookFacts) -> Iterator[CheckResult]:
    name, install = CheckName.HOOKS, f"reconciler job hooks install {cli.profile.name} --scope {hook.scope}"
    if hook.scope == "project":
        install = f"cd {quote(hook.folder)} && {install}"
    match hook.state:
        case Unknown() as why:
            yield unknown(name, f"{cli.profile.name}: the hooks in {hook.path} could not be read", why)
        case Present(HooksState.OTHER):
            detail = "some are missing, or they run another installation of reconciler"
            yield warning(
                name, f"{cli.profile.name}: the hooks in {hook.path} are not as they should be", detail, install
            )
        case Present(HooksState.CURRENT) if cli.profile.hooks and cli.profile.hooks.review:
            detail = "whether it trusts them is only known to the CLI"
            yield note(name, f"{cli.profile.name}: hooks in {hook.path}", detail, "trust them in the CLI: /hooks")
        case Present(HooksState.CURRENT):
            yield ok(name, f"{cli.profile.name}: hooks in {hook.path}")
