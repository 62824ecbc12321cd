{# What a map draws of the communes: one row per ring of a commune's boundary, and one without a shape for a commune whose boundary is unknown.
   Figures are joined to it by commune_code. #}
{% macro commune_shapes() -%}
    select
        'commune' as place_level,
        communes.commune_code as place_code,
        communes.commune_name as place_name,
        communes.commune_code,
        coalesce(boundaries.part_number, 1) as shape_number,
        boundaries.ring as shape,
        boundaries.area_km2
    from {{ ref('communes') }} as communes
    left join {{ ref('commune_boundaries') }} as boundaries on communes.commune_code = boundaries.commune_code
{%- endmacro %}

{# What a map draws of a place without a boundary, as the columns of a select list: a circle, on top of the communes. Rows without a position are
   left out by the query. #}
{% macro point_shape(level, code, name, commune, latitude, longitude, radius_km) -%}
    '{{ level }}' as place_level,
    {{ code }} as place_code,
    {{ name }} as place_name,
    {{ commune }} as commune_code,
    1 as shape_number,
    {{ circle(latitude, longitude, radius_km) }} as shape,
    cast(0 as double) as area_km2
{%- endmacro %}

{# The ring of a circle as JSON text, [[longitude, latitude], …], on a plane at its own latitude; 111.32 km is a degree of latitude. #}
{% macro circle(latitude, longitude, radius_km) -%}
    {%- set corners -%}
    array[
    {%- for east, north in [
        (1, 0), (0.866, 0.5), (0.5, 0.866), (0, 1), (-0.5, 0.866), (-0.866, 0.5),
        (-1, 0), (-0.866, -0.5), (-0.5, -0.866), (0, -1), (0.5, -0.866), (0.866, -0.5), (1, 0)
    ] %}
        array[
            round({{ longitude }} + {{ east }}e0 * {{ radius_km }} / 111.32e0 / cos(radians({{ latitude }})), 5),
            round({{ latitude }} + {{ north }}e0 * {{ radius_km }} / 111.32e0, 5)
        ]{{ ',' if not loop.last }}
    {%- endfor %}
    ]
    {%- endset -%}
    {{ json_text(corners) }}
{%- endmacro %}
