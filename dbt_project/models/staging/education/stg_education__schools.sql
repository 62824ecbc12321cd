with source as (

    select *, {{ row_version() }} as _source_version
    from {{ source('bronze', 'education__schools') }}

),

renamed as (

    select
        school_year || '|' || school_code as school_key,
        school_year,
        school_code,
        school_name,
        level_code,
        ownership_code,
        commune_code,
        is_national_standard,
        accreditation_level,
        has_internet,
        has_clean_water,
        record_status = 'tobedeleted' as is_cancelled,
        exported_at,
        _record_count,
        _source_version
    from source

)

select * from renamed
