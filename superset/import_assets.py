"""Import the dashboards and roles of this checkout into Superset, replacing earlier ones. Run by Superset's own Python.

Uses Superset's own import command, with the same checks as an import by hand. Assets of ours that have no file any more are
deleted; those that people made are left alone. The roles are rewritten from roles.py each time, so that a permission granted
by hand lasts only until the next import.
"""

from uuid import UUID

import yaml
from asset_files import KINDS
from bundle import make_bundle
from flask import g  # type: ignore[import-not-found, unused-ignore]
from pages import read_assets
from roles import ROLES, permissions_of
from superset.app import create_app  # type: ignore[import-not-found, import-untyped, unused-ignore]

from core.settings import PROJECT, Settings


def import_assets(settings: Settings) -> dict[str, int]:
    """Import all assets and write all roles; return the number of each kind. Safe to repeat."""
    bundle = make_bundle(read_assets(PROJECT))
    with create_app().app_context():
        from superset.commands.importers.v1.assets import (  # type: ignore[import-not-found, unused-ignore]  # noqa: PLC0415
            ImportAssetsCommand,
        )
        from superset.extensions import db, security_manager  # type: ignore[import-not-found, unused-ignore]  # noqa: PLC0415
        from superset.models.core import Database  # type: ignore[import-not-found, unused-ignore]  # noqa: PLC0415

        # Half of the time went here: a query for each dataset whose answer only matters to data in the bundle, and YAML read in Python
        Database.has_table = lambda *_: True
        yaml.SafeLoader = yaml.CSafeLoader  # type: ignore[assignment, misc, unused-ignore]

        g.user = security_manager.find_user(username=settings.superset_admin_user)
        _forget_others({UUID(yaml.safe_load(text)["uuid"]) for name, text in bundle.items() if name != "metadata.yaml"})
        ImportAssetsCommand(bundle).run()
        _write_roles()
        db.session.commit()
    return {kind: sum(name.startswith(f"{kind}/") for name in bundle) for kind in KINDS} | {"roles": len(ROLES)}


def _forget_others(ours: set[UUID]) -> None:
    """Delete assets that an earlier checkout imported and this one does not have."""
    from superset.connectors.sqla.models import SqlaTable  # type: ignore[import-not-found, unused-ignore]  # noqa: PLC0415
    from superset.extensions import db  # type: ignore[import-not-found, unused-ignore]  # noqa: PLC0415
    from superset.models.dashboard import Dashboard  # type: ignore[import-not-found, unused-ignore]  # noqa: PLC0415
    from superset.models.slice import Slice  # type: ignore[import-not-found, unused-ignore]  # noqa: PLC0415

    for model in (Dashboard, Slice, SqlaTable):
        for asset in db.session.query(model).filter_by(is_managed_externally=True):
            if asset.uuid not in ours:
                db.session.delete(asset)
    db.session.flush()


def _write_roles() -> None:
    from superset.extensions import security_manager  # type: ignore[import-not-found, unused-ignore]  # noqa: PLC0415

    views = security_manager.session.query(security_manager.permissionview_model).all()
    known = frozenset(
        (view.permission.name, view.view_menu.name) for view in views if view.permission and view.view_menu
    )
    for name in ROLES:
        role = security_manager.find_role(name) or security_manager.add_role(name)
        wanted = sorted(permissions_of(name, known))
        role.permissions = [security_manager.add_permission_view_menu(*permission) for permission in wanted]


if __name__ == "__main__":
    print(import_assets(Settings()))
