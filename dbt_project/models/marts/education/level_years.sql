with schools as (

    select
        school_year,
        is_latest,
        level_code,
        level_name,
        count(*) as registered_schools,
        count(*) filter (where is_reported) as reported_schools,
        count(*) filter (where is_national_standard is not null) as judged_schools,
        count(*) filter (where is_national_standard) as national_standard_schools,
        cast(sum(classes) as bigint) as classes,
        cast(sum(reported_classes) as bigint) as reported_classes,
        cast(sum(classes_over_limit) as bigint) as classes_over_limit,
        cast(sum(pupils) as bigint) as pupils,
        max(newest_export_at) as newest_export_at
    from {{ ref('school_years') }}
    group by school_year, is_latest, level_code, level_name

),

dropouts as (

    select
        school_year,
        level_code,
        bool_or(is_hidden_level) as is_hidden,
        cast(sum(pupils_at_start) as bigint) as pupils_at_start,
        cast(sum(dropped_out_pupils) as bigint) as dropped_out_pupils
    from {{ ref('int_dropouts_hidden') }}
    group by school_year, level_code

),

final as (

    select
        schools.school_year,
        schools.is_latest,
        schools.level_code,
        schools.level_name,
        schools.registered_schools,
        schools.reported_schools,
        round(100.0 * schools.reported_schools / schools.registered_schools, 2) as coverage_percent,
        schools.judged_schools,
        case when schools.judged_schools > 0 then schools.national_standard_schools end as national_standard_schools,
        round(100.0 * schools.national_standard_schools / nullif(schools.judged_schools, 0), 2) as national_standard_percent,
        schools.classes,
        schools.reported_classes,
        schools.classes_over_limit,
        schools.pupils,
        dropouts.pupils_at_start,
        coalesce(dropouts.is_hidden, false) as is_small_cell,
        case when not dropouts.is_hidden then dropouts.dropped_out_pupils end as dropped_out_pupils,
        case
            when not dropouts.is_hidden
                then round(100.0 * dropouts.dropped_out_pupils / nullif(dropouts.pupils_at_start, 0), 2)
        end as dropout_percent,
        case
            when not dropouts.is_hidden and dropouts.pupils_at_start > 0
                then 100.0 * dropouts.dropped_out_pupils > {{ var('dropout_alert_percent') }} * dropouts.pupils_at_start
        end as is_dropout_alert,
        schools.newest_export_at
    from schools
    left join dropouts
        on schools.school_year = dropouts.school_year
        and schools.level_code = dropouts.level_code

)

select * from final
