"""The files of the service, as their readers understand them."""

import os
import plistlib
import shutil
import subprocess

import pytest
from msgspec.structs import replace

from reconciler.model.errors import ReconcilerError, Refused
from reconciler.monitor.install import (
    UserService,
    install,
    launchd_agent,
    passed_on,
    service_name,
    systemd_unit,
    uninstall,
)
from reconciler.ports.files import RealFiles

ROOTS = ["/home/u/lab", '/home/u/My "lab" $HOME 100% \\n']


def service(root, program="/usr/bin/python3"):
    command = (program, "-m", "reconciler", "-C", root, "monitor")
    return UserService(service_name(root), root, f"{root}/.hermes", command, {"PATH": "/usr/bin:/bin"})


@pytest.mark.parametrize("root", ROOTS)
def test_systemd_finds_nothing_wrong_with_the_unit(tmp_path, root):
    """Where there is no systemd, its file is at least a list of sections with keys."""
    unit = systemd_unit(service(root), str(tmp_path))
    install(unit, RealFiles())
    analyze = shutil.which("systemd-analyze")
    if analyze:
        env = {**os.environ, "XDG_RUNTIME_DIR": str(tmp_path)}
        command = [analyze, "verify", "--user", unit.path]
        done = subprocess.run(command, check=False, capture_output=True, text=True, env=env)
        assert (done.returncode, done.stderr) == (0, "")
    lines = unit.content.decode().splitlines()
    assert all(not line or line[0] in "#[" or "=" in line for line in lines)


@pytest.mark.parametrize("unit_of", [systemd_unit, lambda each, home: launchd_agent(each, home, 0)])
def test_a_folder_that_is_not_utf_8_is_named(unit_of):
    odd = service("/home/u/l\udce4b")
    with pytest.raises(ReconcilerError, match="the text is not valid UTF-8") as caught:
        unit_of(odd, "/home/u")
    assert r"l\xe4b" in caught.value.detail
    assert odd.name.startswith("reconciler-monitor-l-b-")


def test_the_unit_starts_again_after_a_failure_that_may_pass():
    lines = systemd_unit(service(ROOTS[0]), "/c").content.decode().splitlines()
    assert {"Restart=on-failure", "RestartPreventExitStatus=6 7 64", "KillMode=mixed", "UMask=0077"} <= set(lines)


def test_what_means_something_to_systemd_is_only_text_in_a_unit():
    lines = systemd_unit(service(ROOTS[1]), "/c").content.decode().splitlines()
    [start] = [line for line in lines if line.startswith("ExecStart=")]
    assert '"/home/u/My \\"lab\\" $$HOME 100%% \\\\n"' in start


@pytest.mark.parametrize("root", ROOTS)
def test_launchd_reads_the_same_command(root):
    made = service(root)
    content = plistlib.loads(launchd_agent(made, "/Users/u", 501).content)
    assert content["ProgramArguments"] == list(made.command)
    assert (content["Label"], content["WorkingDirectory"]) == (made.name, root)
    assert content["KeepAlive"] == {"SuccessfulExit": False}


def test_only_variables_that_hold_no_secret_are_passed_on():
    env = {"PATH": "/bin", "MQTT_PASSWORD": "s", "REVIEW_TOKEN": "t", "TMUX_SERVER_NAME": "lab", "LANG": ""}
    assert passed_on(env) == {"PATH": "/bin", "TMUX_SERVER_NAME": "lab"}


def test_projects_of_one_name_have_services_of_their_own():
    assert service_name("/a/lab") != service_name("/b/lab")


UNITS = {"systemd": systemd_unit, "launchd": lambda made, at: launchd_agent(made, at, 501)}


@pytest.mark.parametrize("unit_of", UNITS.values(), ids=UNITS)
def test_only_what_was_written_here_is_replaced_and_removed(tmp_path, unit_of):
    unit, files = unit_of(service(ROOTS[0]), str(tmp_path)), RealFiles()
    assert (uninstall(unit, files), install(unit, files), install(unit, files)) == (False, True, False)
    other = unit_of(replace(service(ROOTS[0]), command=("/bin/other",)), str(tmp_path))
    assert install(other, files)
    with open(unit.path, "ab") as file:
        file.write(b"<!-- mine -->\n")
    for change in (install, uninstall):
        with pytest.raises(Refused, match="changed by hand"):
            change(unit, files)
    with open(unit.path, "wb") as file:
        file.write(b"[Service]\n")
    with pytest.raises(Refused):
        uninstall(unit, files)
