{#
    The sub-index of a concentration between two breakpoints, rounded half up (Decision 1459/QĐ-TCMT).

    The numerator is an exact decimal, so that 109.5 becomes 110 wherever it is computed. At and above the last breakpoint the
    index stays 500.
#}
{% macro vn_aqi_sub_index(concentration, step) -%}
    cast(floor(
        {{ step }}.index_low + 0.5
        + cast(
            ({{ step }}.index_high - {{ step }}.index_low)
            * (cast({{ least_known(concentration, step ~ '.concentration_high') }} as decimal(18, 6)) - {{ step }}.concentration_low) as double
        ) / ({{ step }}.concentration_high - {{ step }}.concentration_low)
    ) as integer)
{%- endmacro %}

{# One parameter's value out of the rows of an hour. #}
{% macro of_parameter(value, parameter_code) -%}
    max({{ value }}) filter (where parameter_code = '{{ parameter_code }}')
{%- endmacro %}

{# The sub-indices of a station's rows of an hour or a day, and the index: the worst of them, known where one of particles is. `badness_rank`
   is 1 for the worst. #}
{% macro vn_aqi_figures() -%}
    {%- set has_particles = "count(sub_index) filter (where parameter_code in ('PM2.5', 'PM10')) > 0" -%}
    {%- for parameter_code, name in [('PM2.5', 'pm2_5'), ('PM10', 'pm10'), ('O3', 'o3'), ('NO2', 'no2'), ('SO2', 'so2'), ('CO', 'co')] %}
        {{ of_parameter('sub_index', parameter_code) }} as {{ name }}_aqi,
    {%- endfor %}
        case when {{ has_particles }} then max(sub_index) end as vn_aqi,
        case when {{ has_particles }} then max(parameter_code) filter (where badness_rank = 1) end as dominant_parameter_code
{%- endmacro %}
