{#
    A build sees one instant: `instant` is the lake as of the snapshot in IOC_DBT_SNAPSHOT, read-only, in models and in tests. Sources and
    reference lists resolve there; what the build writes and reads back is `lake`. Without the variable it is the lake as it
    goes on, which loading the reference lists and unit tests want.
#}
{% macro attach_instant() -%}
    {%- set snapshot = env_var('IOC_DBT_SNAPSHOT', '') if execute else '' -%}
    {%- if snapshot and target.type == 'duckdb' -%}
        detach instant; attach 'ducklake:lake_catalog' as instant (read_only, snapshot_version {{ snapshot | int }})
    {%- endif -%}
{%- endmacro %}

{# Whether a model is built anew: by wish, or as the code, variables or reference lists it is made of have changed (transform/fingerprints.py). #}
{% macro should_full_refresh() -%}
    {%- set wished = config.get('full_refresh') if config.get('full_refresh') is not none else flags.FULL_REFRESH -%}
    {{ return(wished or model.name in env_var('IOC_DBT_WHOLE', '').split(',')) }}
{%- endmacro %}
