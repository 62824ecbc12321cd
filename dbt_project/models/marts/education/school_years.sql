-- Every registered school has a row for every school year that anybody reported, and for the year of the clock.
with registered as (

    select schools.*, levels.level_name, levels.pupils_per_class_limit, communes.commune_name
    from {{ ref('registered_schools') }} as schools
    inner join {{ ref('education_levels') }} as levels using (level_code)
    left join {{ ref('communes') }} as communes using (commune_code)

),

told as (

    select * from {{ ref('int_schools_current') }} where not is_cancelled

),

students as (

    select
        students.school_year,
        students.school_code,
        count(*) filter (where statuses.is_studying) as pupils,
        max(students.exported_at) as newest_export_at
    from {{ ref('int_students_current') }} as students
    inner join {{ ref('student_statuses') }} as statuses using (status_name)
    where not students.is_cancelled
    group by students.school_year, students.school_code

),

classes as (

    select
        school_year,
        school_code,
        count(*) as classes,
        bool_or(not is_known) as has_unknown_class
    from {{ ref('int_class_pupils') }}
    group by school_year, school_code

),

dropouts as (

    select * from {{ ref('int_dropouts_hidden') }}

),

years as (

    select school_year from told
    union
    select school_year from students
    union
    select school_year from classes
    union
    select
        cast(extract(year from {{ local_date(clock()) }} - interval '7 months') as varchar)
        || '-' || cast(extract(year from {{ local_date(clock()) }} - interval '7 months') + 1 as varchar) as school_year

),

final as (

    select
        years.school_year,
        registered.school_code,
        registered.school_name,
        registered.level_code,
        registered.level_name,
        registered.ownership_code,
        registered.commune_code,
        registered.commune_name,
        registered.latitude,
        registered.longitude,
        students.school_code is not null as is_reported,
        told.is_national_standard,
        told.accreditation_level,
        coalesce(classes.classes, 0) as classes,
        coalesce(classes.has_unknown_class, false) as has_unknown_class,
        students.pupils,
        round(cast(students.pupils as double) / nullif(classes.classes, 0), 2) as pupils_per_class,
        coalesce(
            cast(students.pupils as double) / nullif(classes.classes, 0) > registered.pupils_per_class_limit, false
        ) as is_over_class_limit,
        coalesce(dropouts.is_hidden, false) as is_small_cell,
        case when not dropouts.is_hidden then dropouts.dropped_out_pupils end as dropped_out_pupils,
        case
            when not dropouts.is_hidden
                then round(100.0 * dropouts.dropped_out_pupils / nullif(dropouts.pupils_at_start, 0), 2)
        end as dropout_percent,
        students.newest_export_at
    from registered
    cross join years
    left join told
        on registered.school_code = told.school_code
        and years.school_year = told.school_year
    left join students
        on registered.school_code = students.school_code
        and years.school_year = students.school_year
    left join classes
        on registered.school_code = classes.school_code
        and years.school_year = classes.school_year
    left join dropouts
        on registered.school_code = dropouts.school_code
        and years.school_year = dropouts.school_year

)

select * from final
