# Superset with DuckDB, its extensions as wheels (nothing is fetched while it runs), and our configuration.
FROM apache/superset:6.1.0

USER root
RUN install --directory --owner=superset --group=superset /project \
    && install --directory --owner=superset --group=superset --mode=0700 /ioc
WORKDIR /project
COPY superset/requirements.lock superset/requirements.lock
RUN . /app/.venv/bin/activate \
    && uv pip install --no-cache --compile-bytecode --constraint superset/requirements.lock \
        cachetools duckdb duckdb-engine duckdb-extensions duckdb-extension-ducklake duckdb-extension-httpfs \
        duckdb-extension-icu duckdb-extension-postgres flask-caching gunicorn psycopg2-binary pydantic pydantic-settings rich
COPY --chown=superset:superset superset superset
COPY --chown=superset:superset core core
COPY --chown=superset:superset lake lake
COPY --chown=superset:superset contracts contracts
COPY --chown=superset:superset dbt_project/models/marts dbt_project/models/marts
COPY --chown=superset:superset dbt_project/seeds/feeds.csv dbt_project/seeds/feeds.csv
USER superset
# /app first: there Superset's own package lies, and our folder of the same name must not hide it
ENV PYTHONPATH=/app:/app/pythonpath:/project:/project/superset SUPERSET_CONFIG_PATH=/project/superset/superset_config.py \
    TZ=Asia/Ho_Chi_Minh
