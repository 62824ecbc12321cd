{{ config(materialized='incremental', unique_key=['station_id', 'local_date'], on_schema_change='fail') }}

{%- set built = built_version('source_version') %}
{%- set readings = ref('stg_environment__station_readings') %}
{%- set slot_seconds = 3600 // var('slots_per_hour') %}
{%- set slots_per_day = 24 * var('slots_per_hour') %}

{#- The days to build: those with new readings, the last one built (it may have been today), and all since. -#}
{%- if is_incremental() %}
    {%- set first_day = literal_of(
        'select least(min(local_date), (select max(local_date) from ' ~ this ~ ')) from ' ~ readings
        ~ ' where _source_version > ' ~ built, 'date', '9999-12-31') %}
    {%- set last_built_day = literal_of('select max(local_date) from ' ~ this, 'date', '0001-01-01') %}
    {%- set told_days = "select local_date from readings union all select nullif(" ~ last_built_day ~ ", cast('0001-01-01' as date))" %}
{%- else %}
    {%- set first_day = '(select min(local_date) from ' ~ readings ~ ')' %}
    {%- set last_built_day = "cast('0001-01-01' as date)" %}
    {%- set told_days = 'select local_date from readings' %}
{%- endif %}

-- Today begins with its first slot that has ended. A day before the history, which a clock that was not set told, owes nothing.
with readings as (

    select
        station_id,
        local_date,
        {{ time_slot('measured_at', slot_seconds // 60) }} as slot_at,
        measured_at,
        status_code,
        _source_version
    from {{ readings }}
    where measured_at >= {{ start_of_local_day(first_day) }}

),

last_day as (

    select
        greatest(
            {{ local_date(clock() ~ " - interval '" ~ slot_seconds ~ " seconds'") }},
            max(local_date),
            {{ last_built_day }}
        ) as local_date
    from readings

),

spine as (

    {{ days_of(told_days, '(select local_date from last_day)') }}

),

days as (

    select
        local_date,
        local_date = (select local_date from last_day) as is_latest,
        case
            when local_date < {{ first_day_of_history() }} then 0
            else cast(greatest(0, least(
                {{ slots_per_day }},
                floor({{ hours_between(start_of_local_day('local_date'), clock()) }} * {{ var('slots_per_hour') }})
            )) as integer)
        end as expected_slots
    from spine
    where
        local_date >= {{ last_built_day }}
        or local_date in (select local_date from readings where _source_version > {{ built }})

),

stations as (

    select * from {{ ref('stations') }}

),

communes as (

    select * from {{ ref('communes') }}

),

slots as (

    select
        station_id,
        local_date,
        count(distinct slot_at) as received_slots,
        count(distinct slot_at) filter (where status_code = '00') as valid_slots,
        max(measured_at) as last_reading_at,
        max(_source_version) as source_version
    from readings
    group by station_id, local_date

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
        cast(greatest(days.expected_slots - coalesce(slots.received_slots, 0), 0) as integer) as missing_slots,
        100.0 * least(coalesce(slots.valid_slots, 0), days.expected_slots) / nullif(days.expected_slots, 0) as uptime_percent,
        100.0 * least(coalesce(slots.received_slots, 0), days.expected_slots)
        / nullif(days.expected_slots, 0) as data_capture_percent,
        slots.last_reading_at,
        coalesce(slots.source_version, 0) as source_version
    from days
    cross join stations
    left join communes on stations.commune_code = communes.commune_code
    left join slots
        on stations.station_id = slots.station_id
        and days.local_date = slots.local_date

)

select * from final
