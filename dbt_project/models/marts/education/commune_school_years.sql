-- Every commune with a registered school. Drop-outs are not told by commune: in most, a level has one school, so that the two tables that show them
-- would give each other's hidden schools away. Pupils of a commune with a hidden school are hidden with it.
with schools as (

    select
        school_year,
        is_latest,
        commune_code,
        commune_name,
        {{ school_counts() }},
        bool_or(is_pupil_count_hidden) as is_small_cell,
        cast(sum(pupils) as bigint) as pupils
    from {{ ref('school_years') }}
    group by school_year, is_latest, commune_code, commune_name

),

final as (

    select
        schools.school_year,
        schools.is_latest,
        schools.commune_code,
        schools.commune_name,
        {{ school_figures('schools') }},
        schools.is_small_cell,
        case when not schools.is_small_cell then schools.pupils end as pupils
    from schools

)

select * from final
