"""``./run`` on a made-up machine: every program that it could install or call is a stub that writes down its call."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TOOLS = "sh basename cat chmod cp date dirname env flock grep head mkdir mktemp rm sed sha256sum sleep tail unshare"

# Python, pip, the module that makes Asterisk, and what ./run starts in the end.
PYTHON = """#!/bin/sh
case "$*" in
    -V) echo Python 3.11.0 ;;
    -c*) ;;
    '-m venv --clear .venv')
        mkdir -p .venv/bin && cp "$0" .venv/bin/python && echo "VIRTUAL_ENV=\\"$PWD/.venv\\"" >.venv/bin/activate ;;
    *)
        echo "${0##*/} $*" >>"$CALLS"
        case "$*" in
            *pip*requirements*) [ ! -p "$GATE" ] || cat "$GATE"; [ ! -e "$BROKEN" ] || { echo no network; exit 1; } ;;
        esac ;;
esac
"""
OTHERS = """#!/bin/sh
echo "${0##*/} $*" >>"$CALLS"
[ "${0##*/} ${8:-}" != "apt-get install" ] || cp "$0" "${0%/*}/sox"
"""


class Machine:
    """A checkout in a folder of its own, and a PATH with nothing on it but what is named here."""

    def __init__(self, home: Path) -> None:
        self.checkout, self.bin = home / "checkout", home / "bin"
        self.calls, self.gate, self.broken = home / "calls", home / "gate", home / "broken"
        self.bin.mkdir(parents=True)
        for name in ("run", "pyproject.toml", "requirements", "lab/setup.sh"):
            target = self.checkout / name
            target.parent.mkdir(parents=True, exist_ok=True)
            (shutil.copytree if (ROOT / name).is_dir() else shutil.copy)(ROOT / name, target)
        for tool in TOOLS.split():
            found = shutil.which(tool)
            assert found, tool
            (self.bin / tool).symlink_to(found)
        self.add("python3", PYTHON)
        self.add("id", "#!/bin/sh\necho 0\n")
        for name in ("sox", "espeak-ng", "mariadbd", "mariadb", "sipp", "ssh-keygen"):
            self.add(name)

    def add(self, name: str, script: str = OTHERS) -> None:
        (self.bin / name).write_text(script)
        (self.bin / name).chmod(0o755)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        environment = {"PATH": str(self.bin), "HOME": str(self.bin.parent), "WAYBELL_ROOTFS": "/somewhere"}
        environment |= {"CALLS": str(self.calls), "GATE": str(self.gate), "BROKEN": str(self.broken)}
        return subprocess.Popen(
            [self.checkout / "run", *arguments],
            cwd="/",
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str) -> tuple[int, str]:
        """Exit code and everything printed."""
        with self.start(*arguments) as process:
            out, err = process.communicate(timeout=60)
        return process.returncode, out + err

    def called(self, what: str) -> list[str]:
        """The calls whose line has ``what`` in it, since the last time this was asked."""
        lines = self.calls.read_text().splitlines() if self.calls.exists() else []
        self.calls.unlink(missing_ok=True)
        return [line for line in lines if what in line]


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


@pytest.mark.parametrize("script", ["run", "lab/setup.sh"])
@pytest.mark.parametrize("shell", ["sh", "dash", "bash --posix"])
def test_the_scripts_are_posix_shell(script: str, shell: str) -> None:
    program, *options = shell.split()
    if not shutil.which(program):
        pytest.skip(f"no {program} here")
    subprocess.run([program, *options, "-n", ROOT / script], check=True)


def test_run_can_be_run() -> None:
    assert os.access(ROOT / "run", os.X_OK)
    assert os.access(ROOT / ".ci/run", os.X_OK)


def test_help_names_every_command(machine: Machine) -> None:
    code, text = machine.run("help")
    assert code == 0
    for command in ("demo", "test", "bench", "lint", "setup", "lock"):
        assert f"\n  {command} " in text


@pytest.mark.parametrize(("words", "said"), [(["tset"], "no command 'tset'"), (["setup", "lunch"], "for 'lunch'")])
def test_an_unknown_command_is_refused_before_anything_is_installed(
    machine: Machine, words: list[str], said: str
) -> None:
    code, text = machine.run(*words)
    assert (code, machine.called("")) == (2, [])
    assert said in text


def test_the_first_run_installs_and_the_second_does_not(machine: Machine) -> None:
    assert machine.run("demo", "--once")[0] == 0
    first = machine.called("python")
    assert ["requirements/run.lock" in call for call in first] == [True, False, False, False]
    assert "--require-hashes" in first[0]
    assert first[3] == "python -m lab.demo --once"
    assert machine.run("demo") == (0, "")
    assert machine.called("python") == ["python -S -m lab.rootfs", "python -m lab.demo"]


def test_arguments_reach_the_program_unchanged(machine: Machine) -> None:
    machine.run("test", "-k", "one or two")
    assert machine.called("pytest") == ["python -m pytest -ra -k one or two"]


def test_a_demo_after_the_tests_needs_no_installing(machine: Machine) -> None:
    machine.run("test")
    assert len(machine.called("--require-hashes")) == 1
    machine.run("demo")
    assert machine.called("pip") == []


@pytest.mark.parametrize(
    ("file", "installed"), [("requirements/run.lock", ["--require-hashes"]), ("pyproject.toml", ["--editable"])]
)
def test_a_change_is_installed_by_the_next_run(machine: Machine, file: str, installed: list[str]) -> None:
    machine.run("setup", "demo")
    machine.called("")
    with (machine.checkout / file).open("a") as text:
        text.write("\n")
    machine.run("setup", "demo")
    calls = machine.called("pip")
    assert calls
    assert all(option in calls[0] for option in installed)


def test_a_moved_checkout_gets_a_new_environment(machine: Machine, tmp_path: Path) -> None:
    machine.run("setup", "demo")
    machine.called("")
    machine.checkout = machine.checkout.rename(tmp_path / "elsewhere")
    code, text = machine.run("setup", "demo")
    assert code == 0
    assert "Making .venv" in text
    assert len(machine.called("--require-hashes")) == 1


def test_two_runs_at_once_install_once(machine: Machine) -> None:
    os.mkfifo(machine.gate)
    with machine.start("demo") as first:
        assert first.stderr
        assert "Making .venv" in first.stderr.readline()
        with machine.start("demo") as second:
            assert second.stderr
            assert "another ./run is installing here" in second.stderr.readline()
            machine.gate.open("w").close()
            assert (first.wait(60), second.wait(60)) == (0, 0)
    calls = machine.calls.read_text()
    assert calls.count("--require-hashes") == 1
    assert calls.count("lab.demo") == 2


def test_what_a_killed_run_left_running_is_waited_for(machine: Machine) -> None:
    os.mkfifo(machine.gate)
    with machine.start("demo") as first, machine.start("demo") as second:
        gate = machine.gate.open("w")  # opens when a stub of pip runs, so one of them has the lock
        assert first.stderr
        assert second.stderr
        waiting = "another ./run is installing here"
        killed, other = (second, first) if waiting in first.stderr.readline() else (first, second)
        assert killed is second or waiting in second.stderr.readline()
        machine.gate.rename(machine.gate.with_suffix(".old"))
        killed.kill()
        killed.wait(60)
        with pytest.raises(subprocess.TimeoutExpired):
            other.wait(0.5)
        gate.close()
        assert other.wait(60) == 0


def test_a_failure_shows_its_end_and_what_to_do_and_is_repeated(machine: Machine) -> None:
    machine.broken.touch()
    code, text = machine.run("demo")
    assert code == 1
    assert "    | no network" in text
    assert "then repeat the command" in text
    machine.broken.unlink()
    machine.called("")
    assert machine.run("demo")[0] == 0
    assert len(machine.called("--require-hashes")) == 1


def test_only_what_is_missing_is_asked_of_apt(machine: Machine) -> None:
    (machine.bin / "sox").unlink()
    machine.add("apt-get")
    machine.add("apt-cache")
    assert machine.run("demo")[0] == 0
    calls = machine.called("apt-get")
    assert [call.rpartition("Timeout=300 ")[2] for call in calls] == ["install sox"]


def test_a_machine_without_apt_is_told_what_it_lacks(machine: Machine) -> None:
    (machine.bin / "sox").unlink()
    code, text = machine.run("demo")
    assert code == 1
    assert "there is no apt-get here: sox" in text


def test_without_root_and_without_docker_the_user_is_told_both_ways(machine: Machine) -> None:
    machine.add("id", "#!/bin/sh\necho 1000\n")
    code, text = machine.run("demo")
    assert code == 1
    assert "root on Debian or Ubuntu, or Docker" in text
    assert machine.called("python") == []


def test_without_root_docker_does_it(machine: Machine) -> None:
    machine.add("id", "#!/bin/sh\necho 1000\n")
    machine.add("docker")
    assert machine.run("demo", "--once")[0] == 0
    *_, last = machine.called("docker")
    assert last == "docker compose -f docker/compose.yml run --rm --build --service-ports -T demo --once"


def test_without_root_a_set_up_is_only_a_set_up(machine: Machine) -> None:
    machine.add("id", "#!/bin/sh\necho 1000\n")
    machine.add("docker")
    assert machine.run("setup", "demo")[0] == 0
    assert machine.called("docker")[-1] == "docker compose -f docker/compose.yml build demo"


def test_without_root_a_user_namespace_does_it_where_nothing_is_missing(machine: Machine) -> None:
    machine.add("id", "#!/bin/sh\necho ${ROOT_OF_NAMESPACE:-1000}\n")
    (machine.bin / "unshare").unlink()
    machine.add("unshare", '#!/bin/sh\nshift 5\nROOT_OF_NAMESPACE=0 exec "$@"\n')
    machine.add("newuidmap")
    (machine.bin / "true").symlink_to("/bin/true")
    assert machine.run("demo", "--once")[0] == 0
    assert machine.called("lab.demo") == ["python -m lab.demo --once"]


def test_lint_needs_no_root(machine: Machine) -> None:
    machine.add("id", "#!/bin/sh\necho 1000\n")
    machine.run("setup", "lint")
    assert len(machine.called("requirements/dev.lock")) == 1
