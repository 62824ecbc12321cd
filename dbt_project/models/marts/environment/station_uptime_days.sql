with days as (

    select * from {{ ref('int_reading_days') }}

),

stations as (

    select * from {{ ref('stations') }}

),

communes as (

    select * from {{ ref('communes') }}

),

slots as (

    select * from {{ ref('int_station_days') }}

),

parameters as (

    select
        *,
        row_number() over (
            partition by station_id, local_date
            order by capture_percent, parameter_code
        ) as capture_rank
    from {{ ref('parameter_capture_days') }}
    where capture_percent is not null

),

final as (

    select
        stations.station_id,
        stations.station_name,
        stations.kind,
        stations.commune_code,
        communes.commune_name,
        stations.latitude,
        stations.longitude,
        days.local_date,
        days.is_latest,
        days.expected_slots,
        cast(coalesce(slots.received_slots, 0) as integer) as received_slots,
        cast(coalesce(slots.valid_slots, 0) as integer) as valid_slots,
        cast({{ greatest_known('days.expected_slots - coalesce(slots.received_slots, 0)', 0) }} as integer) as missing_slots,
        100e0 * {{ least_known('coalesce(slots.valid_slots, 0)', 'days.expected_slots') }} / nullif(days.expected_slots, 0) as uptime_percent,
        100e0 * {{ least_known('coalesce(slots.received_slots, 0)', 'days.expected_slots') }}
        / nullif(days.expected_slots, 0) as data_capture_percent,
        parameters.parameter_code as lowest_parameter_code,
        parameters.capture_percent as lowest_parameter_percent,
        slots.last_reading_at,
        coalesce(slots._source_version, 0) as source_version
    from days
    cross join stations
    left join communes on stations.commune_code = communes.commune_code
    left join slots
        on stations.station_id = slots.station_id
        and days.local_date = slots.local_date
    left join parameters
        on stations.station_id = parameters.station_id
        and days.local_date = parameters.local_date
        and parameters.capture_rank = 1

)

select * from final
