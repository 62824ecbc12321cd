-- Every registered school has a row for every day that any school reported. Absences with and without leave are not shown apart: per school
-- and day they are single pupils.
with registered as (

    select schools.*, levels.level_name
    from {{ ref('registered_schools') }} as schools
    inner join {{ ref('education_levels') }} as levels using (level_code)

),

school_days as (

    select
        school_code,
        attendance_date,
        count(*) as reported_classes,
        cast(sum(enrolled_pupils) as bigint) as enrolled_pupils,
        cast(sum(present_pupils) as bigint) as present_pupils,
        max(exported_at) as newest_export_at
    from {{ ref('int_attendance_current') }}
    group by school_code, attendance_date

),

days as (

    select distinct attendance_date from school_days

),

final as (

    select
        registered.school_code,
        registered.school_name,
        registered.level_code,
        registered.level_name,
        registered.commune_code,
        days.attendance_date,
        school_days.school_code is not null as is_reported,
        coalesce(school_days.reported_classes, 0) as reported_classes,
        school_days.enrolled_pupils,
        school_days.present_pupils,
        round(100.0 * school_days.present_pupils / nullif(school_days.enrolled_pupils, 0), 2) as attendance_percent,
        school_days.newest_export_at
    from registered
    cross join days
    left join school_days
        on registered.school_code = school_days.school_code
        and days.attendance_date = school_days.attendance_date

)

select * from final
