"""dbt's tests alone, on views that were made in the same process: a view lives in the memory of the process that made it.

python -m tests.integration.dbt_on_views test --select …
"""

import sys

from dbt.cli.main import dbtRunner

from transform.build import DBT_FOLDERS

VIEWS = ["--no-write-json", "run", "--select", "config.materialized:view"]


def main() -> int:
    """Make the views, then run dbt with the arguments. A view of a domain that was never built cannot be made, and its tests say so."""
    dbtRunner().invoke([*VIEWS, *DBT_FOLDERS])
    return 0 if dbtRunner().invoke(sys.argv[1:]).success else 1


if __name__ == "__main__":
    sys.exit(main())
