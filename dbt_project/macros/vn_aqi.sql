{#
    The sub-index of a concentration between two breakpoints, rounded half up (Decision 1459/QĐ-TCMT).

    The numerator is an exact decimal, so that 109.5 becomes 110 wherever it is computed. At and above the last breakpoint the
    index stays 500.
#}
{% macro vn_aqi_sub_index(concentration, step) -%}
    cast(floor(
        {{ step }}.index_low + 0.5
        + ({{ step }}.index_high - {{ step }}.index_low)
        * (cast(least({{ concentration }}, {{ step }}.concentration_high) as decimal(18, 6)) - {{ step }}.concentration_low)
        / ({{ step }}.concentration_high - {{ step }}.concentration_low)
    ) as integer)
{%- endmacro %}

{# One parameter's value out of the rows of an hour. #}
{% macro of_parameter(value, parameter_code) -%}
    max({{ value }}) filter (where parameter_code = '{{ parameter_code }}')
{%- endmacro %}
