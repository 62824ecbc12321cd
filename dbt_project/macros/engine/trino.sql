{# How Trino says what dispatch.sql promises; each macro is described there. #}

{% macro trino__row_version() -%}
    snapshot_id
{%- endmacro %}

{% macro trino__instant_type() -%}
    timestamp(6) with time zone
{%- endmacro %}

{% macro trino__instant(text) -%}
    cast(from_iso8601_timestamp_nanos('{{ text }}') at time zone 'UTC' as timestamp(6) with time zone)
{%- endmacro %}

{% macro trino__local_time_of(value, zone) -%}
    cast(({{ value }}) at time zone '{{ zone }}' as timestamp(6))
{%- endmacro %}

{% macro trino__instant_of_local_time(value, zone) -%}
    cast(with_timezone({{ value }}, '{{ zone }}') at time zone 'UTC' as timestamp(6) with time zone)
{%- endmacro %}

{% macro trino__time_slot(column, minutes) -%}
    cast(from_unixtime(floor(to_unixtime({{ column }}) / (60 * {{ minutes }})) * (60 * {{ minutes }}), 'UTC') as timestamp(6) with time zone)
{%- endmacro %}

{% macro trino__hours_between(start, finish) -%}
    (to_unixtime({{ finish }}) - to_unixtime({{ start }})) / 3600e0
{%- endmacro %}

{% macro trino__local_slot_number(column, minutes) -%}
    cast(floor((to_unixtime(with_timezone({{ local_time(column) }}, 'UTC')) - 345600) / (60 * {{ minutes }})) as bigint)
{%- endmacro %}

{% macro trino__start_of_local_slot(slot, minutes) -%}
    {{ instant_of_local_time("date_add('minute', (" ~ slot ~ ") * " ~ minutes ~ ", timestamp '1970-01-05 00:00:00.000000')", 'Asia/Ho_Chi_Minh') }}
{%- endmacro %}

{% macro trino__date_of_local_slot(slot, minutes) -%}
    cast(from_unixtime({{ slot }} * 60 * {{ minutes }} + 345600, 'UTC') as date)
{%- endmacro %}

{% macro trino__minutes_after(instant, minutes) -%}
    date_add('minute', cast({{ minutes }} as bigint), {{ instant }})
{%- endmacro %}

{% macro trino__days_after(date, days) -%}
    date_add('day', cast({{ days }} as integer), {{ date }})
{%- endmacro %}

{% macro trino__days_between(first_day, last_day) -%}
    date_diff('day', {{ first_day }}, {{ last_day }})
{%- endmacro %}

{% macro trino__date_of(year, month, day) -%}
    date_add('day', {{ day }} - 1, date_add('month', {{ month }} - 1, date_add('year', {{ year }} - 1970, cast('1970-01-01' as date))))
{%- endmacro %}

{% macro trino__iso_weekday(date) -%}
    day_of_week({{ date }})
{%- endmacro %}

{% macro trino__iso_year(date) -%}
    year_of_week({{ date }})
{%- endmacro %}

{% macro trino__month_of(date_column) -%}
    cast(date_trunc('month', {{ date_column }}) as date)
{%- endmacro %}

{% macro trino__days_from_to(first_day, last_day) -%}
    select date_add('day', 1000 * thousands.number + ones.number, ends.first_day) as local_date
    from (select cast({{ first_day }} as date) as first_day, cast({{ last_day }} as date) as last_day) as ends
    cross join unnest(sequence(0, 99)) as thousands (number)
    cross join unnest(sequence(0, 999)) as ones (number)
    where date_add('day', 1000 * thousands.number + ones.number, ends.first_day) <= ends.last_day
{%- endmacro %}

{% macro trino__numbers_from_to(first, last) -%}
    unnest(case when {{ first }} <= {{ last }} then flatten(transform(
        sequence(0, cast(truncate(cast({{ last }} - {{ first }} as double) / 5000) as bigint)),
        chunk -> sequence(
            {{ first }} + 5000 * chunk,
            case when {{ first }} + 5000 * chunk + 4999 < {{ last }} then {{ first }} + 5000 * chunk + 4999 else {{ last }} end
        )
    )) end) as numbers (number)
{%- endmacro %}

{% macro trino__greatest_known() -%}
    array_max(filter(array[{{ varargs | join(', ') }}], known -> known is not null))
{%- endmacro %}

{% macro trino__least_known() -%}
    array_min(filter(array[{{ varargs | join(', ') }}], known -> known is not null))
{%- endmacro %}

{% macro trino__value_at_greatest(value, ordering, only='true') -%}
    max_by({{ value }}, {{ ordering }}) filter (where ({{ value }}) is not null and {{ only }})
{%- endmacro %}

{% macro trino__value_at_least(value, ordering, only='true') -%}
    min_by({{ value }}, {{ ordering }}) filter (where ({{ value }}) is not null and {{ only }})
{%- endmacro %}

{% macro trino__last_known(value, window) -%}
    last_value({{ value }}) ignore nulls over {{ window }}
{%- endmacro %}

{% macro trino__percentile(share, value) -%}
    element_at(transform(
        array[array_agg(cast({{ value }} as double) order by {{ value }}) filter (where {{ value }} is not null)],
        known -> known[cast(floor((cardinality(known) - 1) * {{ share }}e0) as integer) + 1]
        + (
            known[cast(ceiling((cardinality(known) - 1) * {{ share }}e0) as integer) + 1]
            - known[cast(floor((cardinality(known) - 1) * {{ share }}e0) as integer) + 1]
        ) * ((cardinality(known) - 1) * {{ share }}e0 - floor((cardinality(known) - 1) * {{ share }}e0))
    ), 1)
{%- endmacro %}

{% macro trino__median_over(value, window) -%}
    element_at(transform(
        array[array_sort(filter(array_agg(cast({{ value }} as double)) over ({{ window }}), known -> known is not null))],
        known -> case
            when cardinality(known) > 0
                then (
                    known[cast(floor((cardinality(known) + 1) / 2e0) as integer)] + known[cast(floor(cardinality(known) / 2e0) as integer) + 1]
                ) / 2e0
        end
    ), 1)
{%- endmacro %}

{% macro trino__whole_quotient(dividend, divisor) -%}
    cast(truncate(cast({{ dividend }} as double) / {{ divisor }}) as bigint)
{%- endmacro %}

{% macro trino__matches(text, pattern) -%}
    regexp_like({{ text }}, '{{ pattern }}')
{%- endmacro %}

{% macro trino__part_matched(text, pattern, group) -%}
    case when {{ text }} is not null then coalesce(regexp_extract({{ text }}, '{{ pattern }}', {{ group }}), '') end
{%- endmacro %}

{% macro trino__without_dates(name) -%}
    regexp_replace({{ name }}, '20\d{6}(\d{4,6}|[_-]\d{6})?', '#')
{%- endmacro %}

{% macro trino__instant_of_digits(text) -%}
    {{ instant_of_local_time("cast(try(date_parse(" ~ text ~ ", '%Y%m%d%H%i%s')) as timestamp(6))", 'Asia/Ho_Chi_Minh') }}
{%- endmacro %}

{% macro trino__instant_of_page_time(text) -%}
    {{ instant_of_local_time("cast(try(date_parse(" ~ text ~ ", '%Y%m%dT%H%i%sZ')) as timestamp(6))", 'UTC') }}
{%- endmacro %}

{% macro trino__whole_number(text) -%}
    try_cast({{ text }} as integer)
{%- endmacro %}

{% macro trino__number_text(value, decimals) -%}
    replace(coalesce(cast(try_cast({{ value }} as decimal(18, {{ decimals }})) as varchar), cast({{ value }} as varchar)), '.', ',')
{%- endmacro %}

{% macro trino__grouped_number(value, decimals) -%}
    case when {{ value }} is not null then format('%,.{{ decimals }}f', cast({{ value }} as decimal(38, {{ decimals }}))) end
{%- endmacro %}

{% macro trino__json_text(value) -%}
    json_format(cast({{ value }} as json))
{%- endmacro %}

{% macro trino__sorted_list(value, only='true') -%}
    array_agg({{ value }} order by {{ value }}){% if only != 'true' %} filter (where {{ only }}){% endif %}
{%- endmacro %}

{% macro trino__joined_texts(text, separator, only='true') -%}
    array_join(array_agg({{ text }} order by {{ text }}) filter (where {{ text }} is not null and {{ only }}), '{{ separator }}')
{%- endmacro %}

{% macro trino__parts_of(text, separator) -%}
    unnest(split({{ text }}, '{{ separator }}')) as parts (part)
{%- endmacro %}

{% macro trino__members_of(list) -%}
    unnest({{ list }}) as members (member)
{%- endmacro %}

{% macro trino__member_at(list, position) -%}
    element_at({{ list }}, {{ position }})
{%- endmacro %}

{% macro trino__members_in(list) -%}
    cardinality({{ list }})
{%- endmacro %}

{% macro trino__json_members(text) -%}
    unnest(transform(try(cast(json_parse({{ text }}) as array(json))), member -> json_format(member))) as members (member)
{%- endmacro %}

{% macro trino__json_value(text, name) -%}
    try(json_extract_scalar({{ text }}, '$.{{ name }}'))
{%- endmacro %}
