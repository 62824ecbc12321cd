{{ config(materialized='table') }}

-- The year that a page shows is the newest one of which any school reported its pupils: a year that has begun and of which nobody spoke
-- yet is not it, and neither is one that has not begun.
with reported as (

    select distinct school_year, true as has_pupils from {{ ref('int_students_current') }} where not is_cancelled

),

named as (

    select school_year from reported
    union
    select school_year from {{ ref('int_schools_current') }} where not is_cancelled
    union
    select school_year from {{ ref('int_classes_current') }} where not is_cancelled and ended_by_list_at is null
    union
    select {{ school_year_of_clock() }} as school_year

),

newest as (

    select coalesce(max(school_year), {{ school_year_of_clock() }}) as school_year
    from reported
    where school_year <= {{ school_year_of_clock() }}

),

final as (

    select
        named.school_year,
        named.school_year = newest.school_year as is_latest
    from named
    cross join newest

)

select * from final
