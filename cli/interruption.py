"""Ctrl-C ends a command within seconds, with status 130 and one line that says what was committed.

The main thread is asked first, by an exception, so that it can close what it holds. It may not be able to respond: it may be waiting for
another thread, or be inside a library that handles no signal. A second thread therefore ends the process a few seconds later, or at a
second Ctrl-C. Nothing is lost, since every step may be killed at any moment (docs/reliability.md). Unlike a normal exit of Python, neither
way waits for threads that are still running.
"""

import faulthandler
import json
import os
import select
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from cli.progress import Progress, current
from cli.visible import visible, visible_json

STATUS = 130
"""The exit status that a shell reports for a program ended by SIGINT."""

GRACE_SECONDS = 4.0
CHILD_SECONDS = 1.0


class Interrupted(BaseException):
    """Ctrl-C was pressed. Not a KeyboardInterrupt, for which typer has its own message and exit status."""


class Ending:
    """Ends this process once, from whichever thread gets there first."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._turn = threading.Lock()
        self._nowhere = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115  as long as the process

    def ask(self, *_: object) -> None:
        """Raise Interrupted in the main thread at the first Ctrl-C; a second one does not disturb its cleanup."""
        signal.signal(signal.SIGINT, lambda *_: None)
        self._begin()
        raise Interrupted

    def watch(self, signals: int) -> None:
        """Wait for Ctrl-C; end the process after the grace period, or at once at a second Ctrl-C, which may be read with the first."""
        pressed = 0
        while not pressed:
            pressed = os.read(signals, 64).count(signal.SIGINT)
        self._begin()
        if pressed == 1:
            select.select([signals], [], [], GRACE_SECONDS)
        self.end()

    def _begin(self) -> None:
        """Record that Ctrl-C was pressed, and set a last timer in case a library keeps the interpreter lock, which the timer does not need.

        That timer can only exit with status 1, and prints nothing on standard error.
        """
        self._progress.is_interrupted = True
        faulthandler.dump_traceback_later(GRACE_SECONDS + 2 * CHILD_SECONDS, exit=True, file=self._nowhere)

    def end(self) -> None:
        """Print what was committed, stop the child programs that are not services, and exit."""
        self._turn.acquire()  # for ever
        line = self._progress.told()
        if "--json" in sys.argv:
            line = visible_json(json.dumps({"error": Interrupted.__name__, "message": line}, ensure_ascii=False))
        with suppress(OSError):  # nobody is reading any more
            os.write(sys.__stderr__.fileno() if sys.__stderr__ else 2, f"{visible(line)}\n".encode())
        _end_children()
        os._exit(STATUS)


@contextmanager
def ends_when_interrupted() -> Iterator[None]:
    """Let Ctrl-C end the block, and the process with it. For the main thread; does nothing if SIGINT is ignored, as under nohup."""
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        yield
        return
    progress = Progress()
    current.set(progress)
    ending = Ending(progress)
    arrived, signals = os.pipe()
    os.set_blocking(signals, False)
    signal.set_wakeup_fd(signals, warn_on_full_buffer=False)
    threading.Thread(target=ending.watch, args=(arrived,), name="Ctrl-C", daemon=True).start()
    try:
        signal.signal(signal.SIGINT, ending.ask)
        yield
    finally:
        if progress.is_interrupted:
            with suppress(OSError, ValueError):
                sys.stdout.flush()
            ending.end()


def _end_children() -> None:
    """Stop the child programs in our own session; services lead sessions of their own and keep running."""
    ours = []
    for child in psutil.Process().children(recursive=True):
        with suppress(OSError, psutil.Error):
            if os.getsid(child.pid) == os.getsid(0):
                ours.append(child)
                child.terminate()
    _, left = psutil.wait_procs(ours, timeout=CHILD_SECONDS)
    for child in left:
        with suppress(psutil.Error):
            child.kill()
