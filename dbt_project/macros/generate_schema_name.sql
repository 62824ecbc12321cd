{# A schema is named in dbt_project.yml as it stands in the catalog; nothing is put before it. #}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ custom_schema_name or target.schema }}
{%- endmacro %}
