{# Nautical miles between two positions on a flat map: right to one part in a thousand over 100 km. #}
{% macro nautical_miles(latitude, longitude, other_latitude, other_longitude) -%}
    60 * sqrt(
        power({{ other_latitude }} - {{ latitude }}, 2)
        + power(
            ({{ other_longitude }} - {{ longitude }}) * cos(radians(({{ latitude }} + {{ other_latitude }}) / 2e0)), 2
        )
    )
{%- endmacro %}

{# True for the number of a ship, or of a craft of a ship (98): a country's code, 201 to 775, stands in it (ITU-R M.585). Coast stations, aircraft,
   handhelds, beacons and buoys are none, and neither are numbers that sets come with: hexadecimal 12345678, one digit nine times, digits in a row,
   a country's code before zeros. #}
{% macro is_ship_number(mmsi) -%}
    (
        substr({{ mmsi }}, 1, 3) between '201' and '775'
        or (substr({{ mmsi }}, 1, 2) = '98' and substr({{ mmsi }}, 3, 3) between '201' and '775')
    )
    and substr({{ mmsi }}, 4) <> '000000'
    and {{ mmsi }} not in ('305419896', '222222222', '333333333', '444444444', '555555555', '666666666', '777777777')
    and strpos('012345678901234567 987654321098765432', {{ mmsi }}) = 0
{%- endmacro %}

{# How far, in nautical miles, a position may be from where it was told, for the step of degrees it was told in; 0 for an exact one. #}
{% macro position_error_nm(step_degrees) -%}
    case when {{ step_degrees }} > {{ var('exact_position_degrees') }} then 30 * sqrt(2) * {{ step_degrees }} else 0.0 end
{%- endmacro %}

{# Whether a row of `int_vessel_registrations` was what the register said at an instant. #}
{% macro was_registered_at(instant) -%}
    (registrations.valid_from is null or registrations.valid_from <= {{ instant }})
    and (registrations.valid_until is null or registrations.valid_until > {{ instant }})
{%- endmacro %}

{# Whether a position lies in the East Sea, the sea of interest (design value, unverified). #}
{% macro is_in_east_sea(latitude, longitude) -%}
    {{ latitude }} between 5 and 23 and {{ longitude }} between 99 and 118
{%- endmacro %}

{# Up to when what vessels told is taken as complete: packets of the last minutes may still be on their way. #}
{% macro watermark() -%}
    {{ clock() }} - interval '{{ var("late_packet_minutes") }}' minute
{%- endmacro %}

{# True after so many fixes in a row for which a condition holds, false after so many for which it does not, NULL between. #}
{% macro confirmed(condition) -%}
    {%- set window = 'over (partition by vessel_key order by fixed_at rows between ' ~ (var('hysteresis_fixes') - 1) ~ ' preceding and current row)' -%}
    case
        when count(*) {{ window }} < {{ var('hysteresis_fixes') }} then null
        when bool_and({{ condition }}) {{ window }} then true
        when not bool_or({{ condition }}) {{ window }} then false
    end
{%- endmacro %}
