"""Bring Superset's metadata up to date: schema, roles and permissions, and our own accounts with our passwords.

Run by Superset's own Python. Its three commands (`db upgrade`, `init`, `fab create-admin`) do the same in three processes
of ten seconds each, and the last one takes the password as an argument, where every user of the machine can read it.
"""

from typing import Any  # Superset's own security manager

from flask_migrate import upgrade  # type: ignore[import-not-found, import-untyped, unused-ignore]
from superset.app import create_app  # type: ignore[import-not-found, import-untyped, unused-ignore]

from core.settings import Settings

READER = "leader"
"""The role of the account that prints reports, which import_assets.py fills with permissions."""


def prepare_database(settings: Settings) -> None:
    """Upgrade the schema, rewrite the roles, and create our accounts or reset their passwords. Safe to repeat."""
    with create_app().app_context():
        upgrade()
    application = create_app()  # again, because what it registers at start needs the schema
    with application.app_context():
        application.appbuilder.add_permissions(update_perms=True)
        security = application.appbuilder.sm
        security.sync_role_definitions()
        reader = security.find_role(READER) or security.add_role(READER)
        admin = security.find_role(security.auth_role_admin)
        _settle(security, settings.superset_admin_user, settings.reveal("superset_admin_password"), "Admin", admin)
        reporter = settings.superset_reporter_user
        _settle(security, reporter, settings.reveal("superset_reporter_password"), "Reports", reader)


def _settle(security: Any, name: str, password: str, last_name: str, role: object) -> None:
    """Create an account with a role, or reset its password."""
    if user := security.find_user(username=name):
        security.reset_password(user.id, password)
    elif not security.add_user(name, "IOC", last_name, f"{name}@ioc.invalid", role, password):
        raise RuntimeError(f"superset: expected the user {name}, got a refusal of Superset to create it; see its log")


if __name__ == "__main__":
    prepare_database(Settings())
