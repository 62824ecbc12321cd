{#
    What another engine writes differently, and nothing else: moving to Trino over Iceberg means a second file beside this one.
#}

{# The version of a table in which a row was written: grows with every commit, in the order of commits. #}
{% macro row_version() -%}
    snapshot_id
{%- endmacro %}

{# An instant from ISO 8601 text with offset. #}
{% macro instant(text) -%}
    timestamptz '{{ text }}'
{%- endmacro %}

{# timestamptz -> local timestamp, local timestamp -> timestamptz. #}
{% macro at_time_zone(value, zone) -%}
    timezone('{{ zone }}', {{ value }})
{%- endmacro %}

{# The start of the bucket of `minutes` that holds an instant; UTC and UTC+7 agree on every bucket that divides an hour. #}
{% macro time_slot(column, minutes) -%}
    time_bucket(interval '{{ minutes }} minutes', {{ column }}, timestamptz '2000-01-01 00:00:00+00')
{%- endmacro %}

{# Hours, with fractions, from one instant to another. #}
{% macro hours_between(start, finish) -%}
    (epoch({{ finish }}) - epoch({{ start }})) / 3600.0
{%- endmacro %}

{# The number of the slot of `minutes` that holds an instant, counted in local time, so that slots begin at local midnight. #}
{% macro local_slot_number(column, minutes) -%}
    cast(floor(epoch({{ local_time(column) }}) / (60 * {{ minutes }})) as bigint)
{%- endmacro %}

{# One row per day from one date to another, both included, as column `local_date`. #}
{% macro days_from_to(first_day, last_day) -%}
    select cast(day as date) as local_date
    from unnest(generate_series({{ first_day }}, {{ last_day }}, interval 1 day)) as spine (day)
{%- endmacro %}

{# The value of one column in the row where another is greatest. #}
{% macro value_at_greatest(value, ordering) -%}
    arg_max({{ value }}, {{ ordering }})
{%- endmacro %}

{# One row per whole number from one to another, both included, as column `number`; the ends may be columns of a table joined before. #}
{% macro numbers_from_to(first, last) -%}
    unnest(generate_series({{ first }}, {{ last }})) as numbers (number)
{%- endmacro %}

{# The local date of a slot counted by `local_slot_number`. #}
{% macro date_of_local_slot(slot, minutes) -%}
    cast(to_timestamp({{ slot }} * 60 * {{ minutes }}) at time zone 'UTC' as date)
{%- endmacro %}

{# The newest value that is known, the row's own included; the window is named in the query. #}
{% macro last_known(value, window) -%}
    last_value({{ value }} ignore nulls) over {{ window }}
{%- endmacro %}

{# The parts of a text, one row each, in a select list. #}
{% macro each_part(text, separator) -%}
    unnest(string_split({{ text }}, '{{ separator }}'))
{%- endmacro %}

{# An instant from local time (UTC+7) written yyyyMMddHHmmss. #}
{% macro instant_of_digits(text) -%}
    {{ at_time_zone('strptime(' ~ text ~ ", '%Y%m%d%H%M%S')", 'Asia/Ho_Chi_Minh') }}
{%- endmacro %}

{# The first day of the month of a date. #}
{% macro month_of(date_column) -%}
    cast(date_trunc('month', {{ date_column }}) as date)
{%- endmacro %}

{# The instant so many minutes, of a column, before another. #}
{% macro minutes_before(instant, minutes) -%}
    {{ instant }} - to_minutes({{ minutes }})
{%- endmacro %}
