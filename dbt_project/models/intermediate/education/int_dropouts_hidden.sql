{{ config(materialized='table') }}

-- Drop-outs are published by school and by level: a school is hidden within its level, a level within the province, and every school of
-- a hidden level with it, so that neither table gives away what the other hides. A rate divides by the pupils of those classes alone whose
-- drop-outs are known.
with counted as (

    select
        school_year,
        level_code,
        school_code,
        cast(sum(pupils_at_start) as bigint) as pupils_at_start,
        cast(sum(dropped_out_pupils) as bigint) as dropped_out_pupils
    from {{ ref('int_class_pupils') }}
    where is_reported
    group by school_year, level_code, school_code

),

levels as (

    select school_year, level_code, {{ total_to_judge('dropped_out_pupils') }} as level_pupils
    from counted
    group by school_year, level_code

),

hidden_levels as (

    select
        school_year,
        level_code,
        {{ is_small_cell('level_pupils', 'school_year', 'level_code') }} as is_hidden_level
    from levels

),

hidden_schools as (

    select
        *,
        {{ is_small_cell('dropped_out_pupils', 'school_year, level_code', 'school_code') }} as is_hidden_school
    from counted

),

final as (

    select
        hidden_schools.school_year,
        hidden_schools.level_code,
        hidden_schools.school_code,
        hidden_schools.pupils_at_start,
        hidden_schools.dropped_out_pupils,
        hidden_levels.is_hidden_level,
        hidden_schools.is_hidden_school or hidden_levels.is_hidden_level as is_hidden
    from hidden_schools
    inner join hidden_levels
        on hidden_schools.school_year = hidden_levels.school_year
        and hidden_schools.level_code = hidden_levels.level_code

)

select * from final
