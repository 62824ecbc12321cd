{# True for a cell that must not be shown: one of 1 to 4 persons, and as many next larger ones of its group (`within`, whose total may be known)
   as it takes until total minus shown is the sum of at least two cells and at least 5. Zeros are shown. `cell` orders equal counts, so that
   every build hides the same ones. #}
{% macro is_small_cell(count, within, cell) -%}
    {%- set least = var('least_cell') -%}
    {%- set smaller = 'partition by ' ~ within ~ ' order by ' ~ count ~ ', ' ~ cell ~ ' rows between unbounded preceding and 1 preceding' -%}
    coalesce(
        {{ count }} > 0
        and count(*) filter ({{ count }} between 1 and {{ least }} - 1) over (partition by {{ within }}) > 0
        and (
            {{ count }} < {{ least }}
            or count(*) filter ({{ count }} > 0) over ({{ smaller }}) < 2
            or sum({{ count }}) over ({{ smaller }}) < {{ least }}
        ),
        false
    )
{%- endmacro %}
