-- Generated from contracts/ by `ioc contracts generate`; do not edit.
with renamed as (

    select
        'education.attendance' as feed,
        school_code as object_id,
        {{ start_of_local_day('attendance_date') }} as event_at,
        _received_at as received_at,
        {{ row_version() }} as _source_version
    from {{ source('bronze', 'education__attendance') }}
    union all
    select
        'environment.river_levels' as feed,
        gauge_id as object_id,
        measured_at as event_at,
        _received_at as received_at,
        {{ row_version() }} as _source_version
    from {{ source('bronze', 'environment__river_levels') }}
    union all
    select
        'environment.station_readings' as feed,
        station_id as object_id,
        measured_at as event_at,
        _received_at as received_at,
        {{ row_version() }} as _source_version
    from {{ source('bronze', 'environment__station_readings') }}
    union all
    select
        'environment.station_readings' as feed,
        file_object as object_id,
        {{ instant_of_digits('file_time') }} as event_at,
        received_at,
        _source_version
    from (
        select
            {{ part_matched('source_name', '^(.+)_([0-9]{14})[.][tT][xX][tT]$', 1) }} as file_object,
            {{ part_matched('source_name', '^(.+)_([0-9]{14})[.][tT][xX][tT]$', 2) }} as file_time,
            received_at,
            {{ row_version() }} as _source_version
        from {{ source('ledger', 'deliveries') }}
        where feed = 'environment.station_readings' and received > 0 and status <> 'duplicate_delivery'
    ) as files
    union all
    select
        'fisheries.vms_positions' as feed,
        vessel_id as object_id,
        fixed_at as event_at,
        _received_at as received_at,
        {{ row_version() }} as _source_version
    from {{ source('bronze', 'fisheries__vms_positions') }}
    union all
    select
        'forest.weather' as feed,
        commune_code as object_id,
        observed_at as event_at,
        _received_at as received_at,
        {{ row_version() }} as _source_version
    from {{ source('bronze', 'forest__weather') }}
    union all
    select
        'health.claims' as feed,
        facility_code as object_id,
        created_at as event_at,
        _received_at as received_at,
        {{ row_version() }} as _source_version
    from {{ source('bronze', 'health__claims') }}
    union all
    select
        'health.disease_cases' as feed,
        'health.disease_cases' as object_id,
        reported_at as event_at,
        _received_at as received_at,
        {{ row_version() }} as _source_version
    from {{ source('bronze', 'health__disease_cases') }}
    union all
    select
        'traffic.flows' as feed,
        section_code as object_id,
        started_at as event_at,
        _received_at as received_at,
        {{ row_version() }} as _source_version
    from {{ source('bronze', 'traffic__flows') }}
    union all
    select
        'water.landslide_sensors' as feed,
        sensor_id as object_id,
        measured_at as event_at,
        _received_at as received_at,
        {{ row_version() }} as _source_version
    from {{ source('bronze', 'water__landslide_sensors') }}
    union all
    select
        'water.rain' as feed,
        station_id as object_id,
        measured_at as event_at,
        _received_at as received_at,
        {{ row_version() }} as _source_version
    from {{ source('bronze', 'water__rain') }}
    union all
    select
        'water.reservoirs' as feed,
        channel_id as object_id,
        measured_at as event_at,
        _received_at as received_at,
        {{ row_version() }} as _source_version
    from {{ source('bronze', 'water__reservoirs') }}

)

select * from renamed
