"""Run dbt, with a SIGKILL at the nth event of a name for the command that started it and, with `both`, for dbt itself.

python -m tests.faults.dbt_victim NodeFinished 3 both build DOMAIN
"""

import os
import signal
import sys
from functools import partial
from typing import Any
from unittest.mock import patch

from dbt.cli.main import dbtRunner

from transform import dbt_process


def main() -> int:
    """Run dbt with the arguments after the third."""
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

    sys.argv[1:] = sys.argv[4:]
    with patch("transform.dbt_process.dbtRunner", partial(dbtRunner, callbacks=[met_event])):
        return dbt_process.run(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
