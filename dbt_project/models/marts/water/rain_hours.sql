-- Hours of days on which no station told anything are not listed: one clock that was never set would ask for decades of them.
with intervals as (

    select
        min(until_at) as first_at,
        max(until_at) as newest_at
    from {{ ref('int_rain_intervals') }}

),

sums as (

    select * from {{ ref('int_rain_sums') }}

),

stations as (

    select * from {{ ref('rain_stations') }}

),

communes as (

    select * from {{ ref('communes') }}

),

feeds as (

    select * from {{ ref('feeds') }}
    where feed = 'water.rain'

),

days as (

    select distinct {{ local_date('until_at') }} as local_date from {{ ref('int_rain_intervals') }}

),

every_hour as (

    select
        days.local_date,
        {{ minutes_after(start_of_local_day('days.local_date'), '60 * numbers.number') }} as hour_end_at
    from days
    cross join {{ numbers_from_to(0, 23) }}

),

hours as (

    select
        every_hour.*,
        every_hour.hour_end_at = max(every_hour.hour_end_at) over () as is_latest
    from every_hour
    inner join intervals on every_hour.hour_end_at between intervals.first_at and intervals.newest_at

),

final as (

    select
        stations.station_id,
        stations.station_name,
        stations.commune_code,
        communes.commune_name,
        hours.hour_end_at,
        hours.local_date,
        hours.is_latest,
        {{ minutes_after('hours.hour_end_at', 'feeds.freshness_limit_minutes') }} as current_until_at,
        sums.rain_1h_mm,
        sums.rain_3h_mm,
        sums.rain_6h_mm,
        sums.rain_24h_mm,
        sums.rain_48h_before_mm,
        sums.rain_72h_before_mm,
        sums.rainy_days_before
    from hours
    cross join stations
    cross join feeds
    left join communes on stations.commune_code = communes.commune_code
    left join sums
        on stations.station_id = sums.station_id
        and hours.hour_end_at = sums.sum_end_at

)

select * from final
