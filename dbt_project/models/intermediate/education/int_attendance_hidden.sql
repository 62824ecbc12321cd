{{ config(materialized='table') }}

-- Absent pupils are published by school and by level: a school is hidden within its level, a level within the day, and every school of a hidden
-- level with it. A school with fewer pupils than may be shown is in no figure at all, and neither is one whose pupils are hidden in its school year:
-- those enrolled would tell them.
with counted as (

    select
        attendance.attendance_date,
        schools.level_code,
        attendance.school_code,
        count(*) as reported_classes,
        cast(sum(attendance.enrolled_pupils) as bigint) as enrolled_pupils,
        cast(sum(attendance.present_pupils) as bigint) as present_pupils,
        cast(sum(attendance.enrolled_pupils - attendance.present_pupils) as bigint) as absent_pupils,
        max(attendance.exported_at) as newest_export_at
    from {{ ref('int_attendance_current') }} as attendance
    inner join {{ ref('registered_schools') }} as schools on attendance.school_code = schools.school_code
    group by attendance.attendance_date, schools.level_code, attendance.school_code

),

judged as (

    select
        counted.*,
        counted.enrolled_pupils < {{ var('least_cell') }} or coalesce(pupils.is_hidden, false) as is_too_few
    from counted
    left join {{ ref('int_pupils_hidden') }} as pupils
        on counted.school_code = pupils.school_code
        and {{ school_year_of('counted.attendance_date') }} = pupils.school_year

),

large as (

    select * from judged where not is_too_few

),

levels as (

    select attendance_date, level_code, {{ total_to_judge('absent_pupils') }} as level_pupils
    from large
    group by attendance_date, level_code

),

hidden_levels as (

    select
        attendance_date,
        level_code,
        {{ is_small_cell('level_pupils', 'attendance_date', 'level_code') }} as is_hidden_level
    from levels

),

hidden_schools as (

    select
        attendance_date,
        school_code,
        {{ is_small_cell('absent_pupils', 'attendance_date, level_code', 'school_code') }} as is_hidden_school
    from large

),

final as (

    select
        judged.*,
        coalesce(hidden_levels.is_hidden_level, false) as is_hidden_level,
        coalesce(hidden_schools.is_hidden_school or hidden_levels.is_hidden_level, true) as is_hidden
    from judged
    left join hidden_levels
        on judged.attendance_date = hidden_levels.attendance_date
        and judged.level_code = hidden_levels.level_code
    left join hidden_schools
        on judged.attendance_date = hidden_schools.attendance_date
        and judged.school_code = hidden_schools.school_code

)

select * from final
