{#
    How far back a table with a row for every day goes. A clock that was never set tells 1970 or 1980, a slip of the finger the year 206, and
    contracts accept them; a row for every day since, of every agency, would be tens of millions. Nothing here is older than 20 years, and
    shorter than that no history is cut (design value, unverified).
#}
{% macro first_day_of_history() -%}
    cast({{ local_date(clock()) }} - interval '20' year as date)
{%- endmacro %}

{# One row per day, as column `local_date`: from the first day of `dates` (a query of one column, `local_date`) within the history up to
   `last_day`, without a hole; and each day of `dates` outside that span, alone, so that every event stays in the sums. #}
{% macro days_of(dates, last_day) -%}
    select local_date
    from (
        {{ days_from_to(
            '(select min(local_date) from (' ~ dates ~ ') as told where local_date >= ' ~ first_day_of_history() ~ ')', last_day
        ) }}
    ) as spine
    union
    select local_date
    from ({{ dates }}) as told
    where local_date is not null
{%- endmacro %}

{# One row per month, as column `month_date`, up to the running one: `days_of` for `first_days`, which gives the first day of a month each. #}
{% macro months_to_now(first_days) -%}
    select local_date as month_date
    from ({{ days_of(first_days, month_of(local_date(clock()))) }}) as days
    where extract(day from local_date) = 1
{%- endmacro %}
