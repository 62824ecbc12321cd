"""The `ioc` command: its verbs and its output."""
