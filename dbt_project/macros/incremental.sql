{#
    How a model follows its feed at a cost of the new rows only.

    Every staging row carries `_source_version`, the catalog version that wrote it; every built row keeps the newest one that it saw.
    What is greater than the newest one built is new. Versions are given at commit, so a slow load, a clock that
    stands still or one that goes back cannot hide a row, as they could if we compared times.
#}

{# The newest version this model has seen, as a literal (the engine can then skip files); -1 before the first build. #}
{% macro built_version(column='_source_version') -%}
    {%- if execute and is_incremental() -%}
        {{ run_query('select coalesce(max(' ~ column ~ '), -1) from ' ~ this).columns[0].values()[0] }}
    {%- else -%}
        -1
    {%- endif -%}
{%- endmacro %}

{# One value of one row, as a literal of the given type; `otherwise` where there is none. #}
{% macro literal_of(query, type, otherwise) -%}
    {%- set value = run_query(query).columns[0].values()[0] if execute else none -%}
    cast('{{ otherwise if value is none else value }}' as {{ type }})
{%- endmacro %}
