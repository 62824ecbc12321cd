{{ config(materialized='table') }}

-- Pupils of a school are hidden where they are fewer than may be shown, with as many other schools of its level as it takes that the total of the
-- level does not give them away. A school that names its classes and no pupil has not reported.
with reported as (

    select distinct school_year, school_code
    from {{ ref('int_students_current') }}
    where not is_cancelled

),

schools as (

    select
        classes.school_year,
        classes.level_code,
        classes.school_code,
        cast(sum(classes.pupils) as bigint) as pupils,
        bool_and(classes.is_reported) as has_every_class
    from {{ ref('int_class_pupils') }} as classes
    inner join reported
        on classes.school_year = reported.school_year
        and classes.school_code = reported.school_code
    group by classes.school_year, classes.level_code, classes.school_code
    having bool_or(classes.is_reported)

),

levels as (

    select school_year, level_code, {{ total_to_judge('pupils') }} as level_pupils
    from schools
    group by school_year, level_code

),

final as (

    select
        schools.*,
        levels.level_pupils between 1 and {{ var('least_cell') }} - 1 as is_hidden_level,
        {{ is_small_cell('schools.pupils', 'schools.school_year, schools.level_code', 'schools.school_code') }} as is_hidden
    from schools
    inner join levels on schools.school_year = levels.school_year and schools.level_code = levels.level_code

)

select * from final
