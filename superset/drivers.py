"""Let Superset open only one database, DuckDB on the released marts, whoever asks.

Superset itself has a list of dangerous drivers, but new ways to write one (`shillelagh+safe://` attaches files) are not on it. So every
other driver is refused: where a URI is stored, tested or imported; where a form takes a host and port, since testing them would scan the
network; and finally, in superset_config.py, where a connection is made, whatever the metadata say.
"""

import re

DRIVER = "duckdb"
ANY_OTHER_DRIVER = re.compile(rf"(?!{DRIVER}\Z)")


def allow_only_duckdb() -> None:
    """Limit Superset's URI check and its list of engines to DuckDB."""
    from superset.db_engine_specs.duckdb import (  # type: ignore[import-not-found, unused-ignore]  # noqa: PLC0415
        DuckDBEngineSpec,
    )
    from superset.security import (  # type: ignore[import-not-found, unused-ignore]  # noqa: PLC0415
        analytics_db_safety,
    )

    from superset import db_engine_specs  # type: ignore[attr-defined, unused-ignore]  # noqa: PLC0415

    analytics_db_safety.BLOCKLIST.add(ANY_OTHER_DRIVER)
    db_engine_specs.load_engine_specs = lambda: [DuckDBEngineSpec]
