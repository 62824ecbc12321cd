{{ config(materialized='table') }}

-- A pupil belongs to the school where he arrived last, as of what each school says now. A school that says he went away speaks of itself alone,
-- however late it says so; so does one that calls him a drop-out after he arrived elsewhere. He arrives where a list has him studying that did
-- not have him so before; where no list ever had him studying, with the first list that names him.
with versions as (

    select
        students.pupil_key,
        students.school_code,
        students.exported_at,
        statuses.is_studying and not students.is_cancelled as is_here
    from {{ ref('stg_education__students') }} as students
    inner join {{ ref('student_statuses') }} as statuses using (status_name)

),

compared as (

    select
        *,
        lag(is_here) over (partition by pupil_key, school_code order by exported_at) as was_here
    from versions

),

arrivals as (

    select
        pupil_key,
        school_code,
        coalesce(max(exported_at) filter (where is_here and not coalesce(was_here, false)), min(exported_at)) as arrived_at
    from compared
    group by pupil_key, school_code

),

ranked as (

    select
        students.*,
        arrivals.arrived_at,
        statuses.is_studying,
        statuses.is_dropped_out,
        row_number() over (
            partition by students.pupil_key
            order by statuses.is_moved_away, arrivals.arrived_at desc, students.exported_at desc, students.school_code
        ) as place
    from {{ ref('int_students_current') }} as students
    inner join {{ ref('student_statuses') }} as statuses on students.status_name = statuses.status_name
    inner join arrivals
        on students.pupil_key = arrivals.pupil_key
        and students.school_code = arrivals.school_code
    where not students.is_cancelled and students.ended_by_list_at is null

),

final as (

    select *
    from ranked
    where place = 1

)

select * from final
