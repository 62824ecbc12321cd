"""DuckDB on the released marts is the only database that Superset opens, whoever asks.

Superset itself refuses a list of dangerous drivers, and each new way to write one (`shillelagh+safe://` attaches files) is not on it.
So everything is refused but the one driver: where an address is stored, tried or imported; where a form asks for host and port, since
to try them is to scan the network; and last, in superset_config.py, where a connection is made, whatever the metadata say.
"""

import re

DRIVER = "duckdb"
ANY_OTHER_DRIVER = re.compile(rf"(?!{DRIVER}\Z)")


def allow_only_duckdb() -> None:
    """Make Superset's check of addresses and its list of engines know DuckDB only."""
    from superset.db_engine_specs.duckdb import (  # type: ignore[import-not-found, unused-ignore]  # noqa: PLC0415
        DuckDBEngineSpec,
    )
    from superset.security import (  # type: ignore[import-not-found, unused-ignore]  # noqa: PLC0415
        analytics_db_safety,
    )

    from superset import db_engine_specs  # type: ignore[attr-defined, unused-ignore]  # noqa: PLC0415

    analytics_db_safety.BLOCKLIST.add(ANY_OTHER_DRIVER)
    db_engine_specs.load_engine_specs = lambda: [DuckDBEngineSpec]
