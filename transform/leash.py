"""Run a program that dies with the process that started it, however that process ended.

A build holds a lock that its process releases by dying. dbt, left behind by a killed command, would go on writing beside
the next build, so the system is asked to end it too.

    python transform/leash.py PID-OF-THE-STARTER PROGRAM ARGUMENT…
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1
"""Linux: the signal that this process gets when its parent ends; it survives exec."""


def main() -> None:
    """Become the program; end at once if the starter is gone already."""
    starter, program, *_ = sys.argv[1:]
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() == int(starter):
        os.execv(program, sys.argv[2:])  # noqa: S606  a program of ours


if __name__ == "__main__":
    main()
