with source as (

    select *, {{ row_version() }} as _source_version
    from {{ source('bronze', 'education__classes') }}

),

renamed as (

    select
        school_year || '|' || school_code || '|' || class_code as class_key,
        school_year,
        school_code,
        class_code,
        class_name,
        grade,
        pupils_at_start,
        record_status = 'tobedeleted' as is_cancelled,
        exported_at,
        _record_count,
        _source_version
    from source

)

select * from renamed
