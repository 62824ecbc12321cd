-- Figures of persons are those of marts that hide small ones.
with communes as (

    {{ commune_shapes() }}

),

commune_years as (

    select * from {{ ref('commune_school_years') }}
    where is_latest

),

schools as (

    select * from {{ ref('school_years') }}
    where is_latest and latitude is not null and longitude is not null

),

final as (

    select
        communes.*,
        commune_years.school_year,
        commune_years.registered_schools,
        commune_years.reported_schools,
        commune_years.pupils,
        cast(null as varchar) as level_name
    from communes
    left join commune_years on communes.commune_code = commune_years.commune_code
    union all
    select
        {{ point_shape('school', 'school_code', 'school_name', 'commune_code', 'latitude', 'longitude', var('map_point_km')) }},
        school_year,
        null as registered_schools,
        null as reported_schools,
        pupils,
        level_name
    from schools

)

select * from final
