-- What a sensor moved in a day is told by its newest good reading and the newest one that is a day older, and no more than 26 hours.
with readings as (

    select * from {{ ref('stg_water__landslide_sensors') }}
    where status_code = '00'

),

newest as (

    select
        sensor_id,
        max(measured_at) as measured_at,
        {{ value_at_greatest('value', 'measured_at') }} as value
    from readings
    group by sensor_id

),

earlier as (

    select
        newest.sensor_id,
        {{ value_at_greatest('readings.value', 'readings.measured_at') }} as value
    from newest
    inner join readings
        on newest.sensor_id = readings.sensor_id
        and readings.measured_at <= newest.measured_at - interval '24' hour
        and readings.measured_at >= newest.measured_at - interval '26' hour
    group by newest.sensor_id

),

limits as (

    {{ thresholds_in_force("thresholds.domain = 'water' and thresholds.key like 'slope.%'") }}

),

communes as (

    select * from {{ ref('communes') }}

),

feeds as (

    select * from {{ ref('feeds') }}
    where feed = 'water.landslide_sensors'

),

moved as (

    select
        sensors.*,
        newest.measured_at,
        newest.value,
        {{ six_decimals('newest.value - earlier.value') }} as moved_24h
    from {{ ref('landslide_sensors') }} as sensors
    left join newest on sensors.sensor_id = newest.sensor_id
    left join earlier on sensors.sensor_id = earlier.sensor_id

),

judged as (

    select
        moved.sensor_id,
        case
            when max(moved.moved_24h) is not null
                then coalesce(max(case when abs(moved.moved_24h) >= limits.lo then cast(limits.level as integer) end), 0)
        end as movement_level
    from moved
    inner join limits on limits.key = 'slope.' || moved.quantity_code
    group by moved.sensor_id

),

final as (

    select
        moved.sensor_id,
        moved.sensor_name,
        moved.quantity_code,
        case moved.quantity_code when 'DISP' then 'mm' when 'TILT' then 'mrad' end as unit,
        moved.commune_code,
        communes.commune_name,
        moved.latitude,
        moved.longitude,
        moved.measured_at,
        {{ minutes_after('moved.measured_at', 'feeds.freshness_limit_minutes') }} as current_until_at,
        moved.value,
        moved.moved_24h,
        judged.movement_level
    from moved
    cross join feeds
    left join judged on moved.sensor_id = judged.sensor_id
    left join communes on moved.commune_code = communes.commune_code

)

select * from final
