-- What is hidden of a school is part of its level here, unless the whole level is hidden. The pupils at the start of a year are hidden with those
-- of today: with the drop-outs, they would tell how many are left.
with schools as (

    select
        school_year,
        is_latest,
        level_code,
        level_name,
        {{ school_counts() }}
    from {{ ref('school_years') }}
    group by school_year, is_latest, level_code, level_name

),

pupils as (

    select
        school_year,
        level_code,
        bool_or(is_hidden_level) as is_hidden,
        cast(sum(pupils) as bigint) as pupils
    from {{ ref('int_pupils_hidden') }}
    group by school_year, level_code

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

judged as (

    {% set is_start_hidden = 'pupils.is_hidden or dropouts.pupils_at_start between 1 and ' ~ var('least_cell') ~ ' - 1' %}
    select
        schools.*,
        case when not pupils.is_hidden then pupils.pupils end as pupils,
        case when not coalesce({{ is_start_hidden }}, false) then dropouts.pupils_at_start end as pupils_at_start,
        coalesce(dropouts.is_hidden or {{ is_start_hidden }}, false) as is_small_cell,
        dropouts.dropped_out_pupils
    from schools
    left join pupils
        on schools.school_year = pupils.school_year
        and schools.level_code = pupils.level_code
    left join dropouts
        on schools.school_year = dropouts.school_year
        and schools.level_code = dropouts.level_code

),

final as (

    select
        judged.school_year,
        judged.is_latest,
        judged.level_code,
        judged.level_name,
        {{ school_figures('judged') }},
        judged.pupils,
        judged.pupils_at_start,
        judged.is_small_cell,
        case when not judged.is_small_cell then judged.dropped_out_pupils end as dropped_out_pupils,
        case
            when not judged.is_small_cell
                then round(100e0 * judged.dropped_out_pupils / nullif(judged.pupils_at_start, 0), 2)
        end as dropout_percent,
        case
            when not judged.is_small_cell and judged.pupils_at_start > 0
                then 100e0 * judged.dropped_out_pupils > {{ var('dropout_alert_percent') }} * judged.pupils_at_start
        end as is_dropout_alert
    from judged

)

select * from final
