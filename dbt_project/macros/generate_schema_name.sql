{# A mart stands in the schema of its domain, which is its folder; other schemas are named in dbt_project.yml as they stand in the catalog. #}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ node.fqn[2] if node.resource_type == 'model' and node.fqn[1] == 'marts' else custom_schema_name or target.schema }}
{%- endmacro %}
