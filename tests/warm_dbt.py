"""The process that keeps dbt warm for the builds of tests, which runs any other command of dbt as well.

    python -m tests.warm_dbt FOLDER

A request that begins with `dbt` is run as it stands. One that begins with `views` is run after the views were made in the same process: a
view lives in the memory of the process that made it, and one of a domain that was never built cannot be made, which its tests say.
"""

from dbt.cli.main import dbtRunner

from transform import dbt_process, warm_process
from transform.build import DBT_FOLDERS
from transform.dbt_process import Project

VIEWS = ["run", "--select", "config.materialized:view"]
_build_or_seed = dbt_process.run


def run(arguments: list[str], project: Project | None = None) -> int:
    """Run a command of a build, or any other one; return dbt's exit status."""
    kind, *command = arguments
    if kind not in ("dbt", "views"):
        return _build_or_seed(arguments, project)
    runner = dbtRunner(project and project.manifest)
    if kind == "views":
        runner.invoke(["--no-write-json", *VIEWS, *DBT_FOLDERS])
    return 0 if runner.invoke([*command, *DBT_FOLDERS]).success else 1


if __name__ == "__main__":
    dbt_process.run = run
    warm_process.main()
