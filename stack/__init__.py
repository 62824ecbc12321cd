"""The services on one machine: PostgreSQL, SeaweedFS (S3), SFTP, Airflow and Superset, as `ioc up` starts them."""
