-- Every registered school has a row for every school year that anybody reported, and for the year of the clock. A rate of drop-outs is hidden with
-- the pupils of the school: together with the drop-outs it would tell how many are left.
with registered as (

    select schools.*, levels.level_name, levels.pupils_per_class_limit, communes.commune_name
    from {{ ref('registered_schools') }} as schools
    inner join {{ ref('education_levels') }} as levels on schools.level_code = levels.level_code
    left join {{ ref('communes') }} as communes on schools.commune_code = communes.commune_code

),

told as (

    select * from {{ ref('int_schools_current') }} where not is_cancelled

),

students as (

    select school_year, school_code, max(exported_at) as newest_export_at
    from {{ ref('int_students_current') }}
    where not is_cancelled
    group by school_year, school_code

),

classes as (

    select
        school_year,
        school_code,
        count(*) as classes,
        count(*) filter (where is_reported) as reported_classes,
        count(*) filter (where is_over_limit) as classes_over_limit,
        bool_or(not is_known) as has_unknown_class
    from {{ ref('int_class_pupils') }}
    group by school_year, school_code

),

pupils as (

    select
        school_year,
        school_code,
        is_hidden,
        has_every_class,
        case when not is_hidden then pupils end as pupils
    from {{ ref('int_pupils_hidden') }}

),

dropouts as (

    select * from {{ ref('int_dropouts_hidden') }}

),

final as (

    select
        years.school_year,
        years.is_latest,
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
        told.has_internet,
        told.has_clean_water,
        classes.classes,
        case when students.school_code is not null then classes.reported_classes end as reported_classes,
        classes.has_unknown_class,
        coalesce(pupils.is_hidden, false) as is_pupil_count_hidden,
        pupils.pupils,
        pupils_before.pupils as pupils_year_before,
        coalesce(
            pupils.pupils is not null
            and pupils_before.pupils is not null
            and pupils.has_every_class
            and pupils_before.has_every_class,
            false
        ) as is_compared,
        round(cast(pupils.pupils as double) / nullif(classes.reported_classes, 0), 2) as pupils_per_class,
        registered.pupils_per_class_limit,
        case
            when students.school_code is not null and registered.pupils_per_class_limit is not null
                then classes.classes_over_limit
        end as classes_over_limit,
        case
            when students.school_code is null or registered.pupils_per_class_limit is null then null
            when classes.classes_over_limit > 0 then true
            when classes.reported_classes = classes.classes then false
        end as is_over_class_limit,
        coalesce(dropouts.is_hidden, false) as is_small_cell,
        case when not dropouts.is_hidden then dropouts.dropped_out_pupils end as dropped_out_pupils,
        case
            when not dropouts.is_hidden and not coalesce(pupils.is_hidden, false)
                then round(100e0 * dropouts.dropped_out_pupils / nullif(dropouts.pupils_at_start, 0), 2)
        end as dropout_percent,
        students.newest_export_at
    from registered
    cross join {{ ref('int_school_years') }} as years
    left join told
        on registered.school_code = told.school_code
        and years.school_year = told.school_year
    left join students
        on registered.school_code = students.school_code
        and years.school_year = students.school_year
    left join classes
        on registered.school_code = classes.school_code
        and years.school_year = classes.school_year
    left join pupils
        on registered.school_code = pupils.school_code
        and years.school_year = pupils.school_year
    left join pupils as pupils_before
        on registered.school_code = pupils_before.school_code
        and {{ school_year_before('years.school_year') }} = pupils_before.school_year
    left join dropouts
        on registered.school_code = dropouts.school_code
        and years.school_year = dropouts.school_year

)

select * from final
