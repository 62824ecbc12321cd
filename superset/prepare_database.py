"""Bring Superset's metadata up to date: schema, roles and permissions, and the admin user with our password.

Run by Superset's own Python. Its three commands (`db upgrade`, `init`, `fab create-admin`) do the same in three processes
of ten seconds each, and the last one takes the password as an argument, where every user of the machine can read it.
"""

from flask_migrate import upgrade  # type: ignore[import-not-found, import-untyped, unused-ignore]
from superset.app import create_app  # type: ignore[import-not-found, import-untyped, unused-ignore]

from core.settings import Settings


def prepare_database(settings: Settings) -> None:
    """Upgrade the schema, rewrite the roles, and create the admin user or reset its password. Safe to repeat."""
    with create_app().app_context():
        upgrade()
    application = create_app()  # again, because what it registers at start needs the schema
    with application.app_context():
        application.appbuilder.add_permissions(update_perms=True)
        security = application.appbuilder.sm
        security.sync_role_definitions()
        name, password = settings.superset_admin_user, settings.reveal("superset_admin_password")
        if user := security.find_user(username=name):
            security.reset_password(user.id, password)
            return
        role = security.find_role(security.auth_role_admin)
        if not security.add_user(name, "IOC", "Admin", f"{name}@ioc.invalid", role, password):
            raise RuntimeError(
                f"superset: expected the user {name}, got a refusal of Superset to create it; see its log"
            )


if __name__ == "__main__":
    prepare_database(Settings())
