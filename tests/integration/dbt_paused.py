"""dbt as a build runs it, which stops after each model until it is told to go on.

    python -m tests.integration.dbt_paused FOLDER build DOMAIN

After a model it creates `FOLDER/<model>.done` and waits for `FOLDER/<model>.go`.
"""

import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

from dbt.cli.main import dbtRunner

from transform import dbt_process


def main() -> int:
    """Run dbt with the arguments behind the first."""
    folder = Path(sys.argv.pop(1))

    def pause(message: Any) -> None:
        if message.info.name == "NodeFinished" and message.data.node_info.resource_type == "model":
            model = str(message.data.node_info.node_name)
            (folder / f"{model}.done").touch()
            while not (folder / f"{model}.go").exists():
                time.sleep(0.02)

    vars(dbt_process)[dbtRunner.__name__] = partial(dbtRunner, callbacks=[pause])
    return dbt_process.run(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
