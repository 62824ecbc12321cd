{{ config(materialized='incremental', unique_key=['station_id', 'parameter_code', 'local_date'], on_schema_change='fail') }}

{%- set built = built_version() %}
{%- set readings = ref('stg_environment__station_readings') %}

-- A run of equal values is counted within the day, over readings of status 00; one of another status neither ends nor lengthens it.
with touched_days as (

    select distinct station_id, parameter_code, local_date
    from {{ readings }}
    where _source_version > {{ built }}

),

parameters as (

    select * from {{ ref('parameters') }}

),

readings as (

    select
        readings.*,
        {{ time_slot('readings.measured_at', 60 // var('slots_per_hour')) }} as slot_at,
        readings.status_code = '00' and readings.reference_unit = parameters.reference_unit as counts
    from {{ readings }} as readings
    inner join touched_days
        on readings.station_id = touched_days.station_id
        and readings.parameter_code = touched_days.parameter_code
        and readings.local_date = touched_days.local_date
    inner join parameters on readings.parameter_code = parameters.parameter_code
    {%- if is_incremental() %}
    where readings.measured_at >= {{ start_of_local_day(literal_of(
        'select min(local_date) from ' ~ readings ~ ' where _source_version > ' ~ built, 'date', '9999-12-31')) }}
    {%- endif %}

),

changes as (

    select
        station_id,
        parameter_code,
        local_date,
        measured_at,
        case
            when value = lag(value) over (partition by station_id, parameter_code, local_date order by measured_at) then 0
            else 1
        end as is_change
    from readings
    where counts

),

runs as (

    select
        station_id,
        parameter_code,
        local_date,
        sum(is_change) over (partition by station_id, parameter_code, local_date order by measured_at) as run
    from changes

),

run_lengths as (

    select station_id, parameter_code, local_date, run, count(*) as same_values
    from runs
    group by station_id, parameter_code, local_date, run

),

longest_runs as (

    select station_id, parameter_code, local_date, max(same_values) as longest_run
    from run_lengths
    group by station_id, parameter_code, local_date

),

days as (

    select
        station_id,
        parameter_code,
        local_date,
        count(distinct slot_at) as received_slots,
        count(distinct slot_at) filter (where counts) as valid_slots,
        max(measured_at) as last_reading_at,
        max(_source_version) as _source_version
    from readings
    group by station_id, parameter_code, local_date

),

final as (

    select
        days.station_id,
        days.parameter_code,
        days.local_date,
        days.received_slots,
        days.valid_slots,
        coalesce(longest_runs.longest_run, 0) as longest_run,
        days.last_reading_at,
        days._source_version
    from days
    left join longest_runs
        on days.station_id = longest_runs.station_id
        and days.parameter_code = longest_runs.parameter_code
        and days.local_date = longest_runs.local_date

)

select * from final
