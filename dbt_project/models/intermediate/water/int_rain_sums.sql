{{ config(materialized='view', database='memory', schema='staging') }}

-- A sum is known where one chain of intervals reaches from the beginning of its hours to their end. The days before are those before the last 24
-- hours.
{%- set windows = {
    'rain_1h_mm': (1, 0), 'rain_3h_mm': (3, 0), 'rain_6h_mm': (6, 0), 'rain_24h_mm': (24, 0), 'rain_48h_before_mm': (72, 24), 'rain_72h_before_mm': (96, 24),
    'rain_day_1_mm': (48, 24), 'rain_day_2_mm': (72, 48), 'rain_day_3_mm': (96, 72)
} %}
with intervals as (

    select * from {{ ref('int_rain_intervals') }}

),

windows as (

    {%- for name, (begun_hours, ended_hours) in windows.items() %}
    {{ 'union all' if not loop.first }}
    select
        '{{ name }}' as window_name,
        {{ begun_hours }} as begun_hours,
        {{ ended_hours }} as ended_hours
    {%- endfor %}

),

sums as (

    select
        ends.station_id,
        {{ minutes_after('ends.until_at', '60 * windows.ended_hours') }} as sum_end_at,
        windows.window_name,
        {{ six_decimals('ends.total_mm - begins.total_mm + begins.rain_mm') }} as rain_mm
    from intervals as ends
    cross join windows
    inner join intervals as begins
        on ends.station_id = begins.station_id
        and ends.chain_number = begins.chain_number
        and {{ minutes_after('ends.until_at', '60 * (windows.ended_hours - windows.begun_hours)') }} = begins.from_at

),

side_by_side as (

    select
        station_id,
        sum_end_at
        {%- for name in windows %},
        max(case when window_name = '{{ name }}' then rain_mm end) as {{ name }}
        {%- endfor %}
    from sums
    group by station_id, sum_end_at

),

days as (

    select {{ local_date('sum_end_at') }} as local_date from side_by_side

),

rainy as (

    {{ thresholds_in_force("thresholds.domain = 'water' and thresholds.key = 'rainy_day'", 'days') }}

),

final as (

    select
        sums.*,
        case
            when sums.rain_day_1_mm < rainy.lo then 0
            when sums.rain_day_1_mm >= rainy.lo and sums.rain_day_2_mm < rainy.lo then 1
            when sums.rain_day_1_mm >= rainy.lo and sums.rain_day_2_mm >= rainy.lo and sums.rain_day_3_mm < rainy.lo then 2
            when sums.rain_day_1_mm >= rainy.lo and sums.rain_day_2_mm >= rainy.lo and sums.rain_day_3_mm >= rainy.lo then 3
        end as rainy_days_before
    from side_by_side as sums
    left join rainy on {{ local_date('sums.sum_end_at') }} = rainy.local_date

)

select * from final
