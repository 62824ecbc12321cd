{{ config(materialized='view', database='memory', schema='staging') }}

-- A ring is JSON text, [[longitude, latitude], …], whose last position is its first.
with rings as (

    select
        commune_code,
        part_number,
        area_km2,
        replace(replace(replace(ring, ' ', ''), '[[', ''), ']]', '') as positions
    from {{ ref('commune_boundaries') }}

),

counted as (

    select rings.commune_code, rings.part_number, count(*) as position_count
    from rings
    cross join {{ parts_of('rings.positions', '],[') }}
    group by rings.commune_code, rings.part_number

),

placed as (

    select
        rings.commune_code,
        rings.part_number,
        rings.area_km2,
        numbers.number as edge_number,
        split_part(rings.positions, '],[', cast(numbers.number as integer)) as from_position,
        split_part(rings.positions, '],[', cast(numbers.number + 1 as integer)) as to_position
    from rings
    inner join counted on rings.commune_code = counted.commune_code and rings.part_number = counted.part_number
    cross join {{ numbers_from_to('1', 'counted.position_count - 1') }}

),

final as (

    select
        commune_code,
        part_number,
        area_km2,
        edge_number,
        cast(split_part(from_position, ',', 1) as double) as from_longitude,
        cast(split_part(from_position, ',', 2) as double) as from_latitude,
        cast(split_part(to_position, ',', 1) as double) as to_longitude,
        cast(split_part(to_position, ',', 2) as double) as to_latitude
    from placed

)

select * from final
