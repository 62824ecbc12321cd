{{ config(materialized='incremental', unique_key=['station_id', 'parameter_code', 'hour_at'], on_schema_change='fail') }}

{%- set built = built_version() %}
{%- set readings = ref('stg_environment__station_readings') %}

with readings as (

    select
        *,
        {{ time_slot('measured_at', 60) }} as hour_at,
        {{ time_slot('measured_at', 60 // var('slots_per_hour')) }} as slot_at
    from {{ readings }}
    {%- if is_incremental() %}
    where measured_at >= {{ literal_of(
        'select min(' ~ time_slot('measured_at', 60) ~ ') from ' ~ readings ~ ' where _source_version > ' ~ built,
        instant_type(), '9999-12-31 00:00:00+00:00') }}
    {%- endif %}

),

touched_hours as (

    select distinct station_id, parameter_code, hour_at
    from readings
    where _source_version > {{ built }}

),

parameters as (

    select * from {{ ref('parameters') }}

),

judged as (

    select
        readings.*,
        readings.status_code = '00' and readings.reference_unit = parameters.reference_unit as counts
    from readings
    inner join touched_hours
        on readings.station_id = touched_hours.station_id
        and readings.parameter_code = touched_hours.parameter_code
        and readings.hour_at = touched_hours.hour_at
    inner join parameters on readings.parameter_code = parameters.parameter_code

),

final as (

    select
        station_id,
        parameter_code,
        hour_at,
        {{ six_decimals('avg(value) filter (where counts)') }} as mean_value,
        count(distinct slot_at) as received_slots,
        count(distinct slot_at) filter (where counts) as valid_slots,
        count(distinct slot_at) filter (where counts)
        >= {{ var('slots_per_hour') }} * {{ var('valid_hour_share') }} as is_valid,
        max(_source_version) as _source_version
    from judged
    group by station_id, parameter_code, hour_at

)

select * from final
