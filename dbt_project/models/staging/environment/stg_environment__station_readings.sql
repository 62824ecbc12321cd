-- The one join of a staging model: a value without its unit's factor is not a value.
with source as (

    select *, {{ row_version() }} as _source_version
    from {{ source('bronze', 'environment__station_readings') }}

),

units as (

    select * from {{ ref('units') }}

),

renamed as (

    select
        source.station_id,
        source.parameter_code,
        source.measured_at,
        {{ local_date('source.measured_at') }} as local_date,
        source.value * units.factor as value,
        units.reference_unit,
        source.status_code,
        source._source_version
    from source
    left join units on source.unit = units.unit

)

select * from renamed
