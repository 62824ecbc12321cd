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

{# The number of the slot of `minutes` that holds an instant, counted in local time from a Monday (5 January 1970), so that slots begin at local
   midnight and weeks on Mondays. #}
{% macro local_slot_number(column, minutes) -%}
    cast(floor((epoch({{ local_time(column) }}) - 345600) / (60 * {{ minutes }})) as bigint)
{%- endmacro %}

{# The instant at which a slot counted by `local_slot_number` begins. #}
{% macro start_of_local_slot(slot, minutes) -%}
    {{ at_time_zone("(timestamp '1970-01-05 00:00:00' + to_minutes(cast((" ~ slot ~ ") * " ~ minutes ~ " as bigint)))", 'Asia/Ho_Chi_Minh') }}
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

{# The value of one column in the row where another is least. #}
{% macro value_at_least(value, ordering) -%}
    arg_min({{ value }}, {{ ordering }})
{%- endmacro %}

{# One row per whole number from one to another, both included, as column `number`; the ends may be columns of a table joined before. #}
{% macro numbers_from_to(first, last) -%}
    unnest(generate_series({{ first }}, {{ last }})) as numbers (number)
{%- endmacro %}

{# The local date of a slot counted by `local_slot_number`. #}
{% macro date_of_local_slot(slot, minutes) -%}
    cast(to_timestamp({{ slot }} * 60 * {{ minutes }} + 345600) at time zone 'UTC' as date)
{%- endmacro %}

{# The newest value that is known, the row's own included; the window is named in the query. #}
{% macro last_known(value, window) -%}
    last_value({{ value }} ignore nulls) over {{ window }}
{%- endmacro %}

{# The parts of a text, one row each, in a select list. #}
{% macro each_part(text, separator) -%}
    unnest(string_split({{ text }}, '{{ separator }}'))
{%- endmacro %}

{# An instant from local time (UTC+7) written yyyyMMddHHmmss; NULL where the digits are no time, as in a 13th month. #}
{% macro instant_of_digits(text) -%}
    {{ at_time_zone('try_strptime(' ~ text ~ ", '%Y%m%d%H%M%S')", 'Asia/Ho_Chi_Minh') }}
{%- endmacro %}

{# A whole number from text; NULL where it is none. #}
{% macro whole_number(text) -%}
    try_cast({{ text }} as integer)
{%- endmacro %}

{# A number as text with so many decimals and a comma before them; as the engine writes it where it has too many digits for that. #}
{% macro number_text(value, decimals) -%}
    replace(coalesce(cast(try_cast({{ value }} as decimal(18, {{ decimals }})) as varchar), cast({{ value }} as varchar)), '.', ',')
{%- endmacro %}

{# The first day of the month of a date. #}
{% macro month_of(date_column) -%}
    cast(date_trunc('month', {{ date_column }}) as date)
{%- endmacro %}

{# An instant from the digits of a file's name, local time written yyyyMMddHHmmss; NULL where they are no time. #}
{% macro instant_of_file_time(text) -%}
    {{ at_time_zone('try_strptime(' ~ text ~ ", '%Y%m%d%H%M%S')", 'Asia/Ho_Chi_Minh') }}
{%- endmacro %}

{# An instant from UTC written as in the names of pages, yyyyMMddTHHmmssZ. #}
{% macro instant_of_page_time(text) -%}
    {{ at_time_zone('try_strptime(' ~ text ~ ", '%Y%m%dT%H%M%SZ')", 'UTC') }}
{%- endmacro %}

{# An instant so many minutes later. #}
{% macro minutes_after(instant, minutes) -%}
    ({{ instant }} + to_minutes(cast({{ minutes }} as bigint)))
{%- endmacro %}

{# The values of the rows of a group as one list, in order. #}
{% macro sorted_list(value) -%}
    list({{ value }} order by {{ value }})
{%- endmacro %}

{# The texts of the rows of a group, joined in their order. #}
{% macro joined_texts(text, separator) -%}
    string_agg({{ text }}, '{{ separator }}' order by {{ text }})
{%- endmacro %}

{# The members of a list, one row each, in a select list. #}
{% macro each_of(list) -%}
    unnest({{ list }})
{%- endmacro %}

{# A file's name without the date and time in it: files of the same kind have the same. An hour of its own (_0800) is kept. #}
{% macro without_dates(name) -%}
    regexp_replace({{ name }}, '20\d{6}(\d{4,6}|[_-]\d{6})?', '#', 'g')
{%- endmacro %}
