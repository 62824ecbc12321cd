with source as (

    select *, {{ row_version() }} as _source_version
    from {{ source('bronze', 'education__attendance') }}

),

renamed as (

    select
        school_code || '|' || class_code || '|' || cast(attendance_date as varchar) as class_day_key,
        school_code,
        class_code,
        attendance_date,
        enrolled_pupils,
        present_pupils,
        absent_with_leave,
        absent_without_leave,
        exported_at,
        _record_count,
        _source_version
    from source

)

select * from renamed
