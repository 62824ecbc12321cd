"""The roles in Superset, permission by permission.

A leader sees the dashboards, filters them and splits their numbers, and nothing else; an analyst also queries the marts in SQL Lab and
makes charts; an engineer may do everything except administer users and open other data sources. Data are granted by schema, and only the
schemas of domains and of the views over them: the list of releases is for engineers.
"""

from core.domains import OVERVIEW, domain_names

Permission = tuple[str, str]

READ_DASHBOARDS: frozenset[Permission] = frozenset(
    {
        ("can_read", "Dashboard"),
        ("can_read", "Chart"),
        ("can_read", "CssTemplate"),
        ("can_read", "Theme"),
        ("can_read", "CurrentUserRestApi"),
        ("can_read", "SecurityRestApi"),  # the token that every form and every API client sends along
        ("can_read", "DashboardFilterStateRestApi"),
        ("can_write", "DashboardFilterStateRestApi"),
        ("can_read", "DashboardPermalinkRestApi"),
        ("can_write", "DashboardPermalinkRestApi"),
        ("can_view_chart_as_table", "Dashboard"),
        ("can_drill", "Dashboard"),  # split a number by the words of its mart; to list its records needs can_samples
        ("can_get_drill_info", "Dataset"),
        ("can_write", "ExploreFormDataRestApi"),  # where such a split is kept while it is looked at
        ("can_dashboard", "Superset"),
        ("can_dashboard_permalink", "Superset"),
        ("can_share_dashboard", "Superset"),
        ("can_language_pack", "Superset"),
        ("can_log", "Superset"),
        ("can_get", "Datasource"),
        ("can_time_range", "Api"),
        ("can_get", "MenuApi"),
        ("can_recent_activity", "Log"),
        ("can_userinfo", "UserDBModelView"),
        ("can_this_form_get", "ResetMyPasswordView"),
        ("can_this_form_post", "ResetMyPasswordView"),
        ("menu_access", "Home"),
        ("menu_access", "Dashboards"),
    }
)

ASK_AND_CHART: frozenset[Permission] = frozenset(
    {
        ("can_write", "Chart"),
        ("can_write", "Dashboard"),
        ("can_read", "Database"),
        ("can_read", "Dataset"),
        ("can_get_column_values", "Datasource"),
        ("can_samples", "Datasource"),
        ("can_validate_expression", "Datasource"),
        ("can_external_metadata", "Datasource"),
        ("can_read", "Explore"),
        ("can_read", "ExploreFormDataRestApi"),
        ("can_read", "ExplorePermalinkRestApi"),
        ("can_write", "ExplorePermalinkRestApi"),
        ("can_explore", "Superset"),
        ("can_csv", "Superset"),
        ("can_share_chart", "Superset"),
        ("can_fetch_datasource_metadata", "Superset"),
        ("can_view_query", "Dashboard"),
        ("can_sqllab", "Superset"),
        ("can_sqllab_history", "Superset"),
        ("can_read", "SQLLab"),
        ("can_execute_sql_query", "SQLLab"),
        ("can_get_results", "SQLLab"),
        ("can_format_sql", "SQLLab"),
        ("can_export_csv", "SQLLab"),
        ("can_read", "Query"),
        ("can_read", "SavedQuery"),
        ("can_write", "SavedQuery"),
        ("can_list", "SavedQuery"),
        ("can_read", "SqlLabPermalinkRestApi"),
        ("can_write", "SqlLabPermalinkRestApi"),
        ("can_activate", "TabStateView"),
        ("can_get", "TabStateView"),
        ("can_post", "TabStateView"),
        ("can_put", "TabStateView"),
        ("can_delete", "TabStateView"),
        ("can_delete_query", "TabStateView"),
        ("can_migrate_query", "TabStateView"),
        ("can_post", "TableSchemaView"),
        ("can_expanded", "TableSchemaView"),
        ("can_delete", "TableSchemaView"),
        ("menu_access", "Charts"),
        ("menu_access", "Datasets"),
        ("menu_access", "SQL Lab"),
        ("menu_access", "SQL Editor"),
        ("menu_access", "Saved Queries"),
        ("menu_access", "Query Search"),
    }
)

RELEASED_MARTS: frozenset[Permission] = frozenset(
    ("schema_access", f"[marts].{schema}")
    for domain in (*domain_names(), OVERVIEW)
    for schema in (f"[{domain}]", f"[marts].[{domain}]")
)
"""Access to marts under the name `<domain>.<mart>`, which SQL Lab lists, and the full name `marts.<domain>.<mart>`."""

USER_ADMINISTRATION = frozenset(
    {
        *(
            "Group",
            "List Groups",
            "List Roles",
            "List Users",
            "Permission",
            "PermissionViewMenu",
            "ResetPasswordView",
            "Role",
        ),
        *(
            "RoleModelView",
            "RoleRestAPI",
            "Row Level Security",
            "RowLevelSecurity",
            "Security",
            "SecurityRestApi",
            "User",
        ),
        *("User Registrations", "UserDBModelView", "UserGroupModelView", "UserRegistrationsRestAPI", "ViewMenu"),
        *("UserLDAPModelView", "UserOAuthModelView", "UserOIDModelView", "UserRemoteUserModelView", "security", "user"),
    }
)
"""Views for administrators only, since whoever may grant roles has every role."""

DATA_SOURCES: frozenset[Permission] = frozenset(
    {
        ("can_write", "Database"),  # also tries and checks addresses
        ("can_upload", "Database"),
        ("can_import_", "ImportExportRestApi"),  # brings databases along
    }
)
"""Permissions to add data sources, which no role has: the project imports the only one."""

ROLES = ("leader", "analyst", "engineer")


def permissions_of(role: str, known: frozenset[Permission]) -> frozenset[Permission]:
    """Return exactly the permissions of a role, from those that this Superset knows and those on released marts."""
    if role == "leader":
        return READ_DASHBOARDS | RELEASED_MARTS
    if role == "analyst":
        return READ_DASHBOARDS | ASK_AND_CHART | RELEASED_MARTS
    everything = frozenset((name, view) for name, view in known if view not in USER_ADMINISTRATION)
    return (everything - DATA_SOURCES) | READ_DASHBOARDS | ASK_AND_CHART | RELEASED_MARTS
