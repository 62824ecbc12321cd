"""Ctrl-C ends a command within seconds, with status 130 and one line, however the command waits."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import psutil
import pytest

WITHIN_SECONDS = 10.0
NOTHING = "interrupted: nothing was committed by this command\n"

OBEYS = "print('waiting', flush=True); time.sleep(60)"
SWALLOWS = """
try:
    print('waiting', flush=True); time.sleep(60)
except BaseException:
    time.sleep(60)
"""
TAKES_ITS_TIME = """
import cli.interruption
cli.interruption.GRACE_SECONDS = 60
try:
    print('waiting', flush=True); time.sleep(60)
except BaseException:
    print('closing', flush=True); time.sleep(60)
"""
WAITS_FOR_A_THREAD = """
with ThreadPoolExecutor(1) as pool:
    pool.submit(time.sleep, 60)
    print('waiting', flush=True)
"""
LEAVES_A_THREAD = """
ThreadPoolExecutor(1).submit(time.sleep, 60)
print('waiting', flush=True)
time.sleep(60)
"""
BREAKS_AS_WE_DO = """
try:
    print('waiting', flush=True); time.sleep(60)
except BaseException as error:
    raise RuntimeError('a library says it in its own words') from error
"""
COUNTS = """
for feed in each(['a', 'b', 'c', 'd', 'e'], 'feeds', 'loaded'):
    if feed == 'd':
        print('waiting', flush=True); time.sleep(60)
"""
KEEPS_THE_INTERPRETER = """
try:
    print('waiting', flush=True); time.sleep(60)
finally:
    ctypes.PyDLL(None).sleep(60)
"""
ENDS_IN_ITS_OWN_ERROR = """
@ends_well
def verb():
    try:
        print('waiting', flush=True); time.sleep(60)
    except BaseException as error:
        raise ServiceError('expected the query to end') from error
verb()
"""


@contextmanager
def command(body: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Start a command that runs `body`, and yield it once it waits; SIGINT may be ignored in this process, but not in the command."""
    script = (
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "import ctypes, subprocess, sys, time\n"
        "from concurrent.futures import ThreadPoolExecutor\n"
        "from cli.interruption import ends_when_interrupted\n"
        "from cli.output import ends_well\n"
        "from cli.progress import each\n"
        "from core.errors import ServiceError\n"
        "with ends_when_interrupted():\n" + "\n".join(f"    {line}" for line in body.strip().splitlines())
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        try:
            assert process.stdout.readline() == "waiting\n"
            yield process
        finally:
            process.kill()


def interrupt(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Send Ctrl-C once; return the exit status and standard error."""
    process.send_signal(signal.SIGINT)
    _, complaints = process.communicate(timeout=WITHIN_SECONDS)
    return process.returncode, complaints


@pytest.mark.parametrize("body", [OBEYS, SWALLOWS, WAITS_FOR_A_THREAD, LEAVES_A_THREAD, BREAKS_AS_WE_DO])
def test_a_command_ends_however_it_waits(body: str) -> None:
    with command(body) as process:
        assert interrupt(process) == (130, NOTHING)


def test_an_error_that_ctrl_c_caused_is_not_told() -> None:
    with command(ENDS_IN_ITS_OWN_ERROR) as process:
        assert interrupt(process) == (130, NOTHING)


def test_what_was_committed_is_told() -> None:
    with command(COUNTS) as process:
        assert interrupt(process) == (
            130,
            "interrupted: 3 of 5 feeds were loaded: a, b, c; d was under way, and may be loaded in part; the rest was not; "
            "run it again to continue\n",
        )


def test_a_machine_is_told_in_json() -> None:
    with command(OBEYS, "--json") as process:
        status, complaints = interrupt(process)
    assert (status, json.loads(complaints)) == (130, {"error": "Interrupted", "message": NOTHING.strip()})


def test_a_second_ctrl_c_ends_it_at_once() -> None:
    with command(TAKES_ITS_TIME) as process:
        assert process.stdout is not None
        process.send_signal(signal.SIGINT)
        assert process.stdout.readline() == "closing\n"
        assert interrupt(process) == (130, NOTHING)


def test_a_command_ends_though_a_library_never_gives_the_interpreter_back() -> None:
    with command(KEEPS_THE_INTERPRETER) as process:
        assert interrupt(process) == (1, "")


def test_its_programs_end_with_it_and_its_services_stay() -> None:
    body = (
        "waits = [sys.executable, '-c', 'import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); signal.pause()']\n"
        "program = subprocess.Popen(waits)\n"
        "service = subprocess.Popen(waits, start_new_session=True)\n"
        "print('waiting', flush=True)\n"
        "print(program.pid, service.pid, flush=True)\n"
        "time.sleep(60)"
    )
    with command(body) as process:
        assert process.stdout is not None
        program, service = (psutil.Process(int(pid)) for pid in process.stdout.readline().split())
        try:
            process.send_signal(signal.SIGINT)
            process.wait(WITHIN_SECONDS)
            _, alive = psutil.wait_procs([program, service], timeout=1)
            assert [one for one in alive if one.status() != psutil.STATUS_ZOMBIE] == [service]
        finally:
            service.kill()
