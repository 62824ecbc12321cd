{# The clock of the build: IOC_DBT_NOW, ISO 8601 with offset; a unit test gives the var `now` instead. A build without one stops: nothing here
   reads the real time. It is read when a model runs and not when the project is parsed, so that a new hour is no reason to parse again. #}
{% macro clock() -%}
    {%- set now = var('now') or (env_var('IOC_DBT_NOW', '') if execute else '1970-01-01T00:00:00+00:00') -%}
    {%- if not now -%}
        {{ exceptions.raise_compiler_error("clock: expected IOC_DBT_NOW as ISO 8601 with offset, got none; `ioc build` sets it") }}
    {%- endif -%}
    {{ instant(now) }}
{%- endmacro %}

{# The local time (UTC+7) of an instant, without a zone. #}
{% macro local_time(column) -%}
    {{ local_time_of(column, 'Asia/Ho_Chi_Minh') }}
{%- endmacro %}

{% macro local_date(column) -%}
    cast({{ local_time(column) }} as date)
{%- endmacro %}

{# The local day that the clock stands in; at midnight the day that has just ended, since nothing of the next one has happened. #}
{% macro newest_local_day() -%}
    {{ local_date(clock() ~ " - interval '1' second") }}
{%- endmacro %}

{# The instant at which a local day begins. #}
{% macro start_of_local_day(date_column) -%}
    {{ instant_of_local_time('cast(' ~ date_column ~ ' as timestamp)', 'Asia/Ho_Chi_Minh') }}
{%- endmacro %}
