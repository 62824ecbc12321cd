"""The services on one machine, started by `ioc up`: PostgreSQL, SeaweedFS (S3), SFTP, Airflow and Superset."""
