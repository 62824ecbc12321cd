"""dbt, and a SIGKILL at the nth event of a name: for the command that started it and, where `both` is said, for dbt itself.

python -m tests.faults.dbt_victim NodeFinished 3 both build --select …
"""

import os
import signal
import sys
from typing import Any

from dbt.cli.main import dbtRunner


def main() -> int:
    """Run dbt with the arguments behind the third."""
    event, occurrence, who = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    command = os.getppid()
    met = 0

    def met_event(message: Any) -> None:
        nonlocal met
        if message.info.name == event:
            met += 1
            if met == occurrence:
                os.kill(command, signal.SIGKILL)
                if who == "both":
                    os.kill(os.getpid(), signal.SIGKILL)

    return 0 if dbtRunner(callbacks=[met_event]).invoke(sys.argv[4:]).success else 1


if __name__ == "__main__":
    sys.exit(main())
