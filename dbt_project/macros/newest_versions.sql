{# Of each key the row with the greatest version: all columns, and `newness`, which is 1. #}
{% macro newest_versions(relation, key, version) -%}
    select *
    from (
        select *, row_number() over (partition by {{ key }} order by {{ version }} desc) as newness
        from {{ relation }}
    ) as versions
    where newness = 1
{%- endmacro %}
