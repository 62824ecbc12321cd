{{ config(materialized='view', database='memory', schema='staging') }}

-- The rain between two times at a station. A counter tells it by the difference to the reading before, however long ago that was; one that fell was
-- set back to zero, and has counted its present state since. Intervals that follow each other without a gap make a chain, within which rain adds up.
with readings as (

    select
        source.*,
        stations.reading_kind,
        case stations.reading_kind
            when 'interval' then {{ minutes_after('source.measured_at', '-stations.interval_minutes') }}
            else lag(source.measured_at) over (partition by source.station_id order by source.measured_at)
        end as from_at,
        lag(source.reading_mm) over (partition by source.station_id order by source.measured_at) as reading_before_mm
    from {{ ref('stg_water__rain') }} as source
    inner join {{ ref('rain_stations') }} as stations on source.station_id = stations.station_id
    where source.status_code = '00'

),

intervals as (

    select
        station_id,
        from_at,
        measured_at as until_at,
        case
            when reading_kind = 'counter' and reading_mm >= reading_before_mm then reading_mm - reading_before_mm
            else reading_mm
        end as rain_mm
    from readings
    where from_at is not null

),

marked as (

    select
        *,
        lag(until_at) over (partition by station_id order by until_at) as ended_before_at
    from intervals

),

final as (

    select
        station_id,
        from_at,
        until_at,
        rain_mm,
        count(case when ended_before_at is null or ended_before_at <> from_at then 1 end)
            over (partition by station_id order by until_at) as chain_number,
        {{ six_decimals('sum(rain_mm) over (partition by station_id order by until_at)') }} as total_mm
    from marked

)

select * from final
