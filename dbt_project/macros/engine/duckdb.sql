{# How DuckDB says what dispatch.sql promises; each macro is described there. #}

{% macro duckdb__row_version() -%}
    snapshot_id
{%- endmacro %}

{% macro duckdb__instant_type() -%}
    timestamp with time zone
{%- endmacro %}

{% macro duckdb__instant(text) -%}
    timestamptz '{{ text }}'
{%- endmacro %}

{% macro duckdb__local_time_of(value, zone) -%}
    timezone('{{ zone }}', {{ value }})
{%- endmacro %}

{% macro duckdb__instant_of_local_time(value, zone) -%}
    timezone('{{ zone }}', {{ value }})
{%- endmacro %}

{% macro duckdb__time_slot(column, minutes) -%}
    time_bucket(interval '{{ minutes }} minutes', {{ column }}, timestamptz '2000-01-01 00:00:00+00')
{%- endmacro %}

{% macro duckdb__hours_between(start, finish) -%}
    (epoch({{ finish }}) - epoch({{ start }})) / 3600.0
{%- endmacro %}

{% macro duckdb__local_slot_number(column, minutes) -%}
    cast(floor((epoch({{ local_time(column) }}) - 345600) / (60 * {{ minutes }})) as bigint)
{%- endmacro %}

{% macro duckdb__start_of_local_slot(slot, minutes) -%}
    {{ instant_of_local_time("(timestamp '1970-01-05 00:00:00' + to_minutes(cast((" ~ slot ~ ") * " ~ minutes ~ " as bigint)))", 'Asia/Ho_Chi_Minh') }}
{%- endmacro %}

{% macro duckdb__date_of_local_slot(slot, minutes) -%}
    cast(to_timestamp({{ slot }} * 60 * {{ minutes }} + 345600) at time zone 'UTC' as date)
{%- endmacro %}

{% macro duckdb__minutes_after(instant, minutes) -%}
    ({{ instant }} + to_minutes(cast({{ minutes }} as bigint)))
{%- endmacro %}

{% macro duckdb__days_after(date, days) -%}
    ({{ date }} + cast({{ days }} as integer))
{%- endmacro %}

{% macro duckdb__days_between(first_day, last_day) -%}
    ({{ last_day }} - {{ first_day }})
{%- endmacro %}

{% macro duckdb__date_of(year, month, day) -%}
    make_date(cast({{ year }} as integer), cast({{ month }} as integer), cast({{ day }} as integer))
{%- endmacro %}

{% macro duckdb__iso_weekday(date) -%}
    extract(isodow from {{ date }})
{%- endmacro %}

{% macro duckdb__iso_year(date) -%}
    extract(isoyear from {{ date }})
{%- endmacro %}

{% macro duckdb__month_of(date_column) -%}
    cast(date_trunc('month', {{ date_column }}) as date)
{%- endmacro %}

{% macro duckdb__days_from_to(first_day, last_day) -%}
    select cast(day as date) as local_date
    from unnest(generate_series({{ first_day }}, {{ last_day }}, interval 1 day)) as spine (day)
{%- endmacro %}

{% macro duckdb__numbers_from_to(first, last) -%}
    unnest(generate_series({{ first }}, {{ last }})) as numbers (number)
{%- endmacro %}

{% macro duckdb__greatest_known() -%}
    greatest({{ varargs | join(', ') }})
{%- endmacro %}

{% macro duckdb__least_known() -%}
    least({{ varargs | join(', ') }})
{%- endmacro %}

{% macro duckdb__value_at_greatest(value, ordering, only='true') -%}
    arg_max({{ value }}, {{ ordering }}){% if only != 'true' %} filter (where {{ only }}){% endif %}
{%- endmacro %}

{% macro duckdb__value_at_least(value, ordering, only='true') -%}
    arg_min({{ value }}, {{ ordering }}){% if only != 'true' %} filter (where {{ only }}){% endif %}
{%- endmacro %}

{% macro duckdb__last_known(value, window) -%}
    last_value({{ value }} ignore nulls) over {{ window }}
{%- endmacro %}

{% macro duckdb__percentile(share, value) -%}
    percentile_cont({{ share }}) within group (order by {{ value }})
{%- endmacro %}

{% macro duckdb__median_over(value, window) -%}
    cast(median({{ value }}) over ({{ window }}) as double)
{%- endmacro %}

{% macro duckdb__whole_quotient(dividend, divisor) -%}
    ({{ dividend }} // {{ divisor }})
{%- endmacro %}

{% macro duckdb__matches(text, pattern) -%}
    regexp_matches({{ text }}, '{{ pattern }}')
{%- endmacro %}

{% macro duckdb__part_matched(text, pattern, group) -%}
    regexp_extract({{ text }}, '{{ pattern }}', {{ group }})
{%- endmacro %}

{% macro duckdb__without_dates(name) -%}
    regexp_replace({{ name }}, '20\d{6}(\d{4,6}|[_-]\d{6})?', '#', 'g')
{%- endmacro %}

{% macro duckdb__instant_of_digits(text) -%}
    {{ instant_of_local_time('try_strptime(' ~ text ~ ", '%Y%m%d%H%M%S')", 'Asia/Ho_Chi_Minh') }}
{%- endmacro %}

{% macro duckdb__instant_of_page_time(text) -%}
    {{ instant_of_local_time('try_strptime(' ~ text ~ ", '%Y%m%dT%H%M%SZ')", 'UTC') }}
{%- endmacro %}

{% macro duckdb__whole_number(text) -%}
    try_cast({{ text }} as integer)
{%- endmacro %}

{% macro duckdb__number_text(value, decimals) -%}
    replace(coalesce(cast(try_cast({{ value }} as decimal(18, {{ decimals }})) as varchar), cast({{ value }} as varchar)), '.', ',')
{%- endmacro %}

{% macro duckdb__grouped_number(value, decimals) -%}
    format('{:,.{{ decimals }}f}', cast(cast({{ value }} as decimal(38, {{ decimals }})) as double))
{%- endmacro %}

{% macro duckdb__json_text(value) -%}
    cast(to_json({{ value }}) as varchar)
{%- endmacro %}

{% macro duckdb__sorted_list(value, only='true') -%}
    list({{ value }} order by {{ value }}){% if only != 'true' %} filter (where {{ only }}){% endif %}
{%- endmacro %}

{% macro duckdb__joined_texts(text, separator, only='true') -%}
    string_agg({{ text }}, '{{ separator }}' order by {{ text }}){% if only != 'true' %} filter (where {{ only }}){% endif %}
{%- endmacro %}

{% macro duckdb__parts_of(text, separator) -%}
    unnest(string_split({{ text }}, '{{ separator }}')) as parts (part)
{%- endmacro %}

{% macro duckdb__members_of(list) -%}
    unnest({{ list }}) as members (member)
{%- endmacro %}

{% macro duckdb__member_at(list, position) -%}
    list_extract({{ list }}, {{ position }})
{%- endmacro %}

{% macro duckdb__members_in(list) -%}
    len({{ list }})
{%- endmacro %}

{% macro duckdb__json_members(text) -%}
    unnest(cast(try(json_extract({{ text }}, '$[*]')) as varchar[])) as members (member)
{%- endmacro %}

{% macro duckdb__json_value(text, name) -%}
    try(json_extract_string({{ text }}, '$.{{ name }}'))
{%- endmacro %}
