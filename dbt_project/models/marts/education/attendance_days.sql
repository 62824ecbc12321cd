-- Every registered school has a row for every day that any school reported. Absences with and without leave are not shown apart: per school
-- and day they are single pupils; absences together are hidden where they are few.
with registered as (

    select schools.*, levels.level_name, communes.commune_name
    from {{ ref('registered_schools') }} as schools
    inner join {{ ref('education_levels') }} as levels on schools.level_code = levels.level_code
    left join {{ ref('communes') }} as communes on schools.commune_code = communes.commune_code

),

school_days as (

    select * from {{ ref('int_attendance_hidden') }}

),

days as (

    select distinct attendance_date, {{ school_year_of('attendance_date') }} as school_year from school_days

),

newest as (

    select max(school_year) as school_year from days

),

final as (

    select
        registered.school_code,
        registered.school_name,
        registered.level_code,
        registered.level_name,
        registered.commune_code,
        registered.commune_name,
        days.attendance_date,
        days.school_year,
        days.school_year = newest.school_year as is_latest,
        school_days.school_code is not null as is_reported,
        coalesce(school_days.reported_classes, 0) as reported_classes,
        coalesce(school_days.is_hidden, false) as is_small_cell,
        case when not school_days.is_too_few then school_days.enrolled_pupils end as enrolled_pupils,
        case when not school_days.is_hidden then school_days.present_pupils end as present_pupils,
        case when not school_days.is_hidden then school_days.absent_pupils end as absent_pupils,
        case
            when not school_days.is_hidden
                then round(100e0 * school_days.present_pupils / nullif(school_days.enrolled_pupils, 0), 2)
        end as attendance_percent,
        school_days.newest_export_at
    from registered
    cross join days
    cross join newest
    left join school_days
        on registered.school_code = school_days.school_code
        and days.attendance_date = school_days.attendance_date

)

select * from final
