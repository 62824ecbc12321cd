-- No register says what a station measures: a parameter is expected from the day it was first heard until it has been silent for a month. A day
-- before the history, which a clock that was not set told, makes nothing expected.
with days as (

    select * from {{ ref('int_reading_days') }}

),

stations as (

    select * from {{ ref('stations') }}

),

communes as (

    select * from {{ ref('communes') }}

),

parameters as (

    select * from {{ ref('parameters') }}

),

stuck_sensor as (

    select local_date, max(lo) as same_values
    from ({{ thresholds_in_force("thresholds.domain = 'environment' and thresholds.key = 'stuck_sensor'", 'days') }}) as in_force
    group by local_date

),

heard_days as (

    select
        *,
        lead(local_date) over (partition by station_id, parameter_code order by local_date) as next_date
    from {{ ref('int_parameter_days') }}

),

owed_days as (

    select
        heard_days.station_id,
        heard_days.parameter_code,
        days.local_date,
        days.is_latest,
        days.expected_slots
    from heard_days
    inner join days
        on days.local_date >= heard_days.local_date
        and (heard_days.next_date is null or days.local_date < heard_days.next_date)
        and days.local_date <= {{ days_after('heard_days.local_date', var('parameter_silence_days')) }}
    where heard_days.local_date = days.local_date or heard_days.local_date >= {{ first_day_of_history() }}

),

final as (

    select
        owed_days.station_id,
        stations.station_name,
        stations.kind,
        stations.commune_code,
        communes.commune_name,
        owed_days.parameter_code,
        parameters.label_vi as parameter_label,
        owed_days.local_date,
        owed_days.is_latest,
        owed_days.expected_slots,
        cast(coalesce(heard_days.received_slots, 0) as integer) as received_slots,
        cast(coalesce(heard_days.valid_slots, 0) as integer) as valid_slots,
        100e0 * {{ least_known('coalesce(heard_days.valid_slots, 0)', 'owed_days.expected_slots') }}
        / nullif(owed_days.expected_slots, 0) as capture_percent,
        cast(heard_days.longest_run as integer) as longest_run,
        case when heard_days.valid_slots > 0 then heard_days.longest_run >= stuck_sensor.same_values end as is_stuck,
        heard_days.last_reading_at,
        coalesce(heard_days._source_version, 0) as source_version
    from owed_days
    left join stuck_sensor on owed_days.local_date = stuck_sensor.local_date
    inner join stations on owed_days.station_id = stations.station_id
    inner join parameters on owed_days.parameter_code = parameters.parameter_code
    left join communes on stations.commune_code = communes.commune_code
    left join heard_days
        on owed_days.station_id = heard_days.station_id
        and owed_days.parameter_code = heard_days.parameter_code
        and owed_days.local_date = heard_days.local_date

)

select * from final
