"""The SFTP server that agencies push files to: an account and a folder each, made from the contracts (docs/sftp.md)."""
