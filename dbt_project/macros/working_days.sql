{# The days of the calendar, and how many of those up to each, itself included, are working days. #}
{% macro working_days_so_far() -%}
    select
        local_date,
        cast(count(case when is_working_day then 1 end) over (order by local_date) as bigint) as working_days_so_far
    from {{ ref('working_days') }}
{%- endmacro %}
