{{ config(materialized='view', database='memory', schema='staging') }}

with vertices as (

    select * from {{ ref('maritime_boundaries') }}
    where boundary_code = '{{ var("maritime_boundary") }}'

),

followed as (

    select
        *,
        lead(latitude) over (order by vertex_number) as next_latitude,
        lead(longitude) over (order by vertex_number) as next_longitude,
        first_value(latitude) over (order by vertex_number) as first_latitude,
        first_value(longitude) over (order by vertex_number) as first_longitude
    from vertices

),

final as (

    select
        vertex_number as edge_number,
        latitude as from_latitude,
        longitude as from_longitude,
        coalesce(next_latitude, first_latitude) as to_latitude,
        coalesce(next_longitude, first_longitude) as to_longitude
    from followed

)

select * from final
