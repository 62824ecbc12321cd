-- The attendance of a level, whole: the days of its schools leave out what is hidden, so that their sum would say too much of schools with many
-- or no absences.
with registered as (

    select level_code, count(*) as registered_schools
    from {{ ref('registered_schools') }}
    group by level_code

),

counted as (

    select
        level_code,
        attendance_date,
        {{ school_year_of('attendance_date') }} as school_year,
        count(*) as reported_schools,
        bool_or(is_hidden_level) or bool_and(is_too_few) as is_hidden,
        cast(sum(enrolled_pupils) filter (where not is_too_few) as bigint) as enrolled_pupils,
        cast(sum(present_pupils) filter (where not is_too_few) as bigint) as present_pupils,
        cast(sum(absent_pupils) filter (where not is_too_few) as bigint) as absent_pupils,
        max(newest_export_at) as newest_export_at
    from {{ ref('int_attendance_hidden') }}
    group by level_code, attendance_date

),

days as (

    select distinct attendance_date, school_year from counted

),

newest as (

    select max(school_year) as school_year from days

),

final as (

    select
        levels.level_code,
        levels.level_name,
        days.attendance_date,
        days.school_year,
        days.school_year = newest.school_year as is_latest,
        registered.registered_schools,
        coalesce(counted.reported_schools, 0) as reported_schools,
        coalesce(counted.is_hidden, false) as is_small_cell,
        counted.enrolled_pupils,
        case when not counted.is_hidden then counted.present_pupils end as present_pupils,
        case when not counted.is_hidden then counted.absent_pupils end as absent_pupils,
        case
            when not counted.is_hidden
                then round(100e0 * counted.present_pupils / nullif(counted.enrolled_pupils, 0), 2)
        end as attendance_percent,
        counted.newest_export_at
    from {{ ref('education_levels') }} as levels
    inner join registered on levels.level_code = registered.level_code
    cross join days
    cross join newest
    left join counted
        on levels.level_code = counted.level_code
        and days.attendance_date = counted.attendance_date

)

select * from final
