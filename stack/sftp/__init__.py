"""The SFTP server that agencies push files to, with an account and folders for each, from the contracts (docs/sftp.md)."""
