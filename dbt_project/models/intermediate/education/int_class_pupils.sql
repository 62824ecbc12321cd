{{ config(materialized='table') }}

-- A class that only its pupils name is a row too. Of a class whose pupils no list names nothing is known: it has neither no pupils nor no
-- drop-outs, unless it began with none. Where nobody said how many a class began with (OneRoster), those on its roll stand for it, whatever
-- became of them.
with classes as (

    select * from {{ ref('int_classes_current') }} where not is_cancelled and ended_by_list_at is null

),

rolls as (

    select school_year, school_code, class_code, count(*) as pupils_on_roll
    from {{ ref('int_students_current') }}
    where not is_cancelled and ended_by_list_at is null
    group by school_year, school_code, class_code

),

placed as (

    select
        school_year,
        school_code,
        class_code,
        count(*) filter (where is_studying) as pupils,
        count(*) filter (where is_dropped_out) as dropped_out_pupils
    from {{ ref('int_pupils_placed') }}
    group by school_year, school_code, class_code

),

listed as (

    select
        coalesce(classes.school_year, rolls.school_year) as school_year,
        coalesce(classes.school_code, rolls.school_code) as school_code,
        coalesce(classes.class_code, rolls.class_code) as class_code,
        classes.grade,
        classes.class_code is not null as is_known,
        rolls.class_code is not null or coalesce(classes.pupils_at_start = 0, false) as is_reported,
        coalesce(classes.pupils_at_start, rolls.pupils_on_roll) as pupils_at_start
    from classes
    full outer join rolls
        on classes.school_year = rolls.school_year
        and classes.school_code = rolls.school_code
        and classes.class_code = rolls.class_code

),

final as (

    select
        listed.*,
        case when listed.is_reported then coalesce(placed.pupils, 0) end as pupils,
        case when listed.is_reported then coalesce(placed.dropped_out_pupils, 0) end as dropped_out_pupils,
        schools.level_code,
        levels.pupils_per_class_limit,
        case when listed.is_reported then coalesce(placed.pupils, 0) > levels.pupils_per_class_limit end as is_over_limit
    from listed
    left join placed
        on listed.school_year = placed.school_year
        and listed.school_code = placed.school_code
        and listed.class_code = placed.class_code
    inner join {{ ref('registered_schools') }} as schools on listed.school_code = schools.school_code
    inner join {{ ref('education_levels') }} as levels on schools.level_code = levels.level_code

)

select * from final
