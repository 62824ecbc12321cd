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

{# True where a count of a known total may be shown: the total, the count and what is left of it are each nobody or not few; a total of few never. #}
{% macro is_share_shown(count, total) -%}
    (
        {{ total }} >= {{ var('least_cell') }}
        and {{ count }} not between 1 and {{ var('least_cell') }} - 1
        and ({{ count }} = 0 or {{ total }} - {{ count }} not between 1 and {{ var('least_cell') }} - 1)
    )
{%- endmacro %}

{# True where a total less the cells shown tells nothing: none is hidden, or at least two of them, and each of `counts` over these is not few. #}
{% macro is_rest_hidden(cells, counts) -%}
    (
        {{ cells }} = 0
        or {{ cells }} >= 2
        {%- for count in counts %}
        and {{ count }} >= {{ var('least_cell') }}
        {%- endfor %}
    )
{%- endmacro %}
