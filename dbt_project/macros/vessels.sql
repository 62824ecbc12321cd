{# Nautical miles between two positions on a flat map: right to one part in a thousand over 100 km. #}
{% macro nautical_miles(latitude, longitude, other_latitude, other_longitude) -%}
    60 * sqrt(
        power({{ other_latitude }} - {{ latitude }}, 2)
        + power(
            ({{ other_longitude }} - {{ longitude }}) * cos(radians(({{ latitude }} + {{ other_latitude }}) / 2)), 2
        )
    )
{%- endmacro %}

{# Up to when what vessels told is taken as complete: packets of the last minutes may still be on their way. #}
{% macro watermark() -%}
    {{ clock() }} - interval '{{ var("late_packet_minutes") }} minutes'
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
