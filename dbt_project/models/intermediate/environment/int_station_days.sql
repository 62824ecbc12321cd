{{ config(materialized='incremental', unique_key=['station_id', 'local_date'], on_schema_change='fail') }}

{%- set built = built_version() %}
{%- set readings = ref('stg_environment__station_readings') %}

with touched_days as (

    select distinct station_id, local_date
    from {{ readings }}
    where _source_version > {{ built }}

),

readings as (

    select
        *,
        {{ time_slot('measured_at', 60 // var('slots_per_hour')) }} as slot_at
    from {{ readings }}
    inner join touched_days using (station_id, local_date)
    {%- if is_incremental() %}
    where measured_at >= {{ start_of_local_day(literal_of(
        'select min(local_date) from ' ~ readings ~ ' where _source_version > ' ~ built, 'date', '9999-12-31')) }}
    {%- endif %}

),

final as (

    select
        station_id,
        local_date,
        count(distinct slot_at) as received_slots,
        count(distinct slot_at) filter (where status_code = '00') as valid_slots,
        max(measured_at) as last_reading_at,
        max(_source_version) as _source_version
    from readings
    group by station_id, local_date

)

select * from final
