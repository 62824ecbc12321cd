{# True for a cell that must not be shown: one of 1 to 4 persons, and as many next larger ones of its group (`within`, whose total may be known)
   as it takes until total minus shown is the sum of at least two cells and at least 5. Empty cells are shown, so that who counts the hidden ones
   must not learn that each holds one person: cells of one take the next larger one with them too, or an empty one where there is none, and of
   a group of 1 to 4 persons five cells are hidden. `cell` orders equal counts, so that every build hides the same ones. #}
{% macro is_small_cell(count, within, cell) -%}
    {%- set least = var('least_cell') -%}
    {%- set group = 'partition by ' ~ within -%}
    {%- set smaller = group ~ ' order by ' ~ count ~ ', ' ~ cell ~ ' rows between unbounded preceding and 1 preceding' -%}
    coalesce(
        case
            when {{ count }} > 0
                then
                    count(case when {{ count }} between 1 and {{ least }} - 1 then 1 end) over ({{ group }}) > 0
                    and (
                        {{ count }} < {{ least }}
                        or count(case when {{ count }} > 0 then 1 end) over ({{ smaller }}) < 2
                        or sum({{ count }}) over ({{ smaller }}) < {{ least }}
                        or max({{ count }}) over ({{ smaller }}) = 1
                    )
            when {{ count }} = 0
                then
                    (max({{ count }}) over ({{ group }}) = 1 or sum({{ count }}) over ({{ group }}) between 1 and {{ least }} - 1)
                    and row_number() over ({{ group }} order by {{ count }}, {{ cell }})
                    <= {{ greatest_known(least ~ ' - count(case when ' ~ count ~ ' > 0 then 1 end) over (' ~ group ~ ')', 1) }}
        end,
        false
    )
{%- endmacro %}

{# The total of the `count` of a group, for `is_small_cell` to judge: a total counts as few where none of its cells could be shown or be empty and
   most hold one person, since it would tell them. #}
{% macro total_to_judge(count) -%}
    case
        when min({{ count }}) > 0 and max({{ count }}) < {{ var('least_cell') }} and sum({{ count }}) < 2 * count({{ count }}) then 1
        else cast(sum({{ count }}) as bigint)
    end
{%- endmacro %}

{# True where a count of a known total may be shown: the total, the count and what is left of it are each nobody or not few; a total of few never. #}
{% macro is_share_shown(count, total) -%}
    (
        {{ total }} >= {{ var('least_cell') }}
        and {{ count }} not between 1 and {{ var('least_cell') }} - 1
        and ({{ count }} = 0 or {{ total }} - {{ count }} not between 1 and {{ var('least_cell') }} - 1)
    )
{%- endmacro %}

{# True where a total less the cells shown tells nothing: none is hidden, or at least two of them, and each of `counts` over these is not few. With
   `most`, all that cells of few can hold, each is neither that nor as small as one person in each cell: such a sum has a single solution. #}
{% macro is_rest_hidden(cells, counts, most=none) -%}
    (
        {{ cells }} = 0
        or {{ cells }} >= 2
        {%- for count in counts %}
        and {{ count }} >= {{ var('least_cell') }}
        {%- if most %}
        and {{ count }} > {{ cells }}
        and {{ count }} <> {{ most }}
        {%- endif %}
        {%- endfor %}
    )
{%- endmacro %}
