with source as (

    select *, {{ row_version() }} as _source_version
    from {{ source('bronze', 'health__disease_cases') }}

),

renamed as (

    select
        record_kind,
        record_code,
        disease_code,
        measure_code,
        series_code,
        place_level,
        commune_code,
        place_name,
        onset_at,
        diagnosed_at,
        reported_at,
        coalesce(reported_at, event_at) as version_at,
        event_at,
        period_kind,
        period_start as period_start_date,
        period_end as period_end_date,
        person_count,
        age_years,
        sex_code,
        classification_code,
        outcome_code,
        _record_count,
        _source_version
    from source

)

select * from renamed
