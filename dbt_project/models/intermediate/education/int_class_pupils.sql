{{ config(materialized='table') }}

-- A class that only its pupils name, or that has no pupil, is a row too. Where nobody said how many a class began with (OneRoster), those
-- on its roll stand for it, whatever became of them.
with classes as (

    select * from {{ ref('int_classes_current') }} where not is_cancelled

),

pupils as (

    select
        students.school_year,
        students.school_code,
        students.class_code,
        count(*) as pupils_on_roll,
        count(*) filter (where statuses.is_studying) as pupils,
        count(*) filter (where statuses.is_dropped_out) as dropped_out_pupils
    from {{ ref('int_students_current') }} as students
    inner join {{ ref('student_statuses') }} as statuses using (status_name)
    where not students.is_cancelled
    group by students.school_year, students.school_code, students.class_code

),

final as (

    select
        coalesce(classes.school_year, pupils.school_year) as school_year,
        coalesce(classes.school_code, pupils.school_code) as school_code,
        coalesce(classes.class_code, pupils.class_code) as class_code,
        classes.grade,
        classes.class_code is not null as is_known,
        coalesce(classes.pupils_at_start, pupils.pupils_on_roll, 0) as pupils_at_start,
        coalesce(pupils.pupils, 0) as pupils,
        coalesce(pupils.dropped_out_pupils, 0) as dropped_out_pupils
    from classes
    full outer join pupils
        on classes.school_year = pupils.school_year
        and classes.school_code = pupils.school_code
        and classes.class_code = pupils.class_code

)

select * from final
