-- Built anew each time: the running month moves with the clock. Deaths and injured are counted for the whole province alone.
with accidents as (

    select
        *,
        {{ local_date('occurred_at') }} as local_date
    from {{ ref('int_traffic__accidents_current') }}

),

periods as (

    {{ compared_periods('select local_date from accidents') }}

),

counted as (

    select
        periods.month_date,
        periods.period_code,
        periods.last_date,
        periods.is_known,
        count(accidents.accident_id) as accidents,
        coalesce(cast(sum(accidents.deaths) as bigint), 0) as deaths,
        coalesce(cast(sum(accidents.injured) as bigint), 0) as injured,
        max(accidents.updated_at) as newest_update_at
    from periods
    left join accidents on accidents.local_date between periods.first_date and periods.last_date
    group by periods.month_date, periods.period_code, periods.last_date, periods.is_known

),

compared as (

    select
        month_date,
        month_date = {{ month_of(newest_local_day()) }} as is_latest,
        max(case when period_code = 'this_month' then last_date end) as last_date,
{%- for figure in ['accidents', 'deaths', 'injured'] %}
        {{ of_period(figure, 'this_month') }} as {{ figure }},
        {{ of_period(figure, 'last_month') }} as {{ figure }}_last_month,
        {{ of_period(figure, 'last_year') }} as {{ figure }}_last_year,
{%- endfor %}
        {{ why_not_compared('last_year') }} as last_year_unknown_reason,
        {{ of_period('newest_update_at', 'this_month') }} as newest_update_at
    from counted
    group by month_date

),

final as (

    select
        *,
{%- for figure in ['accidents', 'deaths', 'injured'] %}
        {{ six_decimals('100e0 * (' ~ figure ~ ' - ' ~ figure ~ '_last_year) / nullif(' ~ figure ~ '_last_year, 0)') }} as {{ figure }}_change_percent
        {{- ',' if not loop.last }}
{%- endfor %}
    from compared

)

select * from final
