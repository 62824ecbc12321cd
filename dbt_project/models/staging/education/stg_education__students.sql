-- Who a pupil is stays in bronze, and so do the day of birth and the reason for leaving; `student_id` is a keyed hash.
with source as (

    select *, {{ row_version() }} as _source_version
    from {{ source('bronze', 'education__students') }}

),

renamed as (

    select
        school_year || '|' || student_id as pupil_key,
        school_year || '|' || student_id || '|' || school_code as pupil_record_key,
        school_year,
        student_id,
        school_code,
        class_code,
        {{ whole_number('substr(school_year, 1, 4)') }} - cast(extract(year from date_of_birth) as integer) as age_years,
        sex,
        ethnic_group,
        disability,
        grade,
        status_name,
        record_status = 'tobedeleted' as is_cancelled,
        exported_at,
        _record_count,
        _source_version
    from source

)

select * from renamed
