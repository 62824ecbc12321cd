{# The clock of the build, from the var `now`. A build without one stops: nothing here reads the real time. #}
{% macro clock() -%}
    {%- if not var('now') and execute -%}
        {{ exceptions.raise_compiler_error("clock: the var `now` was promised as ISO 8601 with offset, none came; give --vars '{now: ...}'") }}
    {%- endif -%}
    {{ instant(var('now') or '1970-01-01T00:00:00+00:00') }}
{%- endmacro %}

{# The local time (UTC+7) of an instant, without a zone. #}
{% macro local_time(column) -%}
    {{ at_time_zone(column, 'Asia/Ho_Chi_Minh') }}
{%- endmacro %}

{% macro local_date(column) -%}
    cast({{ local_time(column) }} as date)
{%- endmacro %}

{# The local day that the clock stands in; at midnight the day that has just ended, since nothing of the next one has happened. #}
{% macro newest_local_day() -%}
    {{ local_date(clock() ~ ' - interval 1 second') }}
{%- endmacro %}

{# The instant at which a local day begins. #}
{% macro start_of_local_day(date_column) -%}
    {{ at_time_zone('cast(' ~ date_column ~ ' as timestamp)', 'Asia/Ho_Chi_Minh') }}
{%- endmacro %}
