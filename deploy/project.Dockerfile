# The project and Airflow in one image: Airflow's tasks call our packages, so both need the same environment.
FROM apache/airflow:3.3.2-python3.11

USER root
RUN apt-get update \
    && apt-get install --yes --no-install-recommends chromium fonts-noto-core \
    && rm -rf /var/lib/apt/lists/*
RUN install --directory --owner=airflow --group=root /project \
    && install --directory --owner=airflow --group=root --mode=0700 /ioc /ioc/seaweedfs /ioc/sftp
USER airflow
WORKDIR /project
COPY --chown=airflow:root requirements.lock ./
RUN pip install --no-cache-dir --requirement requirements.lock
COPY --chown=airflow:root . .
ENV PYTHONPATH=/project
