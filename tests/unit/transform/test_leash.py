"""A program on a leash ends when the process that started it is killed, and otherwise runs as it would alone."""

import signal
import subprocess
import sys

import psutil

from transform import leash

STARTER = """
import os, subprocess, sys
waiting = "import signal; print('up', flush=True); signal.pause()"
child = subprocess.Popen([sys.executable, sys.argv[1], str(os.getpid()), sys.executable, "-c", waiting])
print(child.pid, flush=True)
child.wait()
"""


def test_the_program_is_killed_with_its_starter() -> None:
    starter = subprocess.Popen([sys.executable, "-c", STARTER, str(leash.__file__)], stdout=subprocess.PIPE, text=True)
    assert starter.stdout is not None
    with starter.stdout as output:
        lines = {output.readline().strip(), output.readline().strip()}
        (pid,) = lines - {"up"}
        program = psutil.Process(int(pid))
        starter.send_signal(signal.SIGKILL)
        starter.wait()
    _, alive = psutil.wait_procs([program], timeout=10)
    alive = [one for one in alive if one.status() != psutil.STATUS_ZOMBIE]
    for one in alive:
        one.kill()
    assert alive == []


def test_the_program_gets_its_arguments_and_gives_its_status() -> None:
    child = "import sys; print(sys.argv[1:]); sys.exit(3)"
    command = [sys.executable, str(leash.__file__), "{pid}", sys.executable, "-c", child, "a b", "c"]
    starter = (
        "import os, subprocess, sys; "
        "sys.exit(subprocess.run([a.replace('{pid}', str(os.getpid())) for a in sys.argv[1:]]).returncode)"
    )
    finished = subprocess.run([sys.executable, "-c", starter, *command], capture_output=True, text=True, check=False)
    assert (finished.returncode, finished.stdout) == (3, "['a b', 'c']\n")


def test_a_program_whose_starter_is_gone_is_not_begun() -> None:
    finished = subprocess.run(
        [sys.executable, str(leash.__file__), "1", sys.executable, "-c", "print('up')"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.stdout == ""
