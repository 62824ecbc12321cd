{# Each group's parts add up to what another table says of the group; a group that only one of them has counts as 0 in the other. #}
{% test parts_add_up_to_each_total(model, column, with, with_column, by) %}
with parts as (

    select {{ by | join(', ') }}, sum({{ column }}) as total from {{ model }} group by {{ by | join(', ') }}

),

totals as (

    select {{ by | join(', ') }}, sum({{ with_column }}) as total from {{ with }} group by {{ by | join(', ') }}

)

select {{ by | join(', ') }}, parts.total as sum_of_parts, totals.total
from parts
full outer join totals using ({{ by | join(', ') }})
where coalesce(parts.total, 0) <> coalesce(totals.total, 0)
{% endtest %}

{# The difference attack: a published total less the published parts is nothing, or at least var('least_cell') persons in at least two cells, not one in each. #}
{% test no_hidden_count_can_be_worked_out(model, column, by, with, with_column, with_by, hidden='is_small_cell') %}
with parts as (

    select
        {{ (by + with_by) | unique | join(', ') }},
        coalesce(sum({{ column }}), 0) as shown,
        count(*) filter (where {{ hidden }}) as hidden_cells
    from {{ model }}
    group by {{ (by + with_by) | unique | join(', ') }}

)

select parts.*, totals.{{ with_column }}
from parts
inner join {{ with }} as totals
    on {% for column in with_by %}parts.{{ column }} = totals.{{ column }}{{ ' and ' if not loop.last }}{% endfor %}
where
    totals.{{ with_column }} is not null
    and (
        totals.{{ with_column }} - parts.shown between 1 and {{ var('least_cell') }} - 1
        or parts.hidden_cells = 1
        or parts.hidden_cells > 0 and totals.{{ with_column }} - parts.shown = parts.hidden_cells
        or (parts.hidden_cells = 0) <> (totals.{{ with_column }} = parts.shown)
    )
{% endtest %}

{% test hidden_counts_are_not_shown(model, column, hidden='is_small_cell') %}
select * from {{ model }} where {{ hidden }} and {{ column }} is not null
{% endtest %}

{# No count of persons is one of a few; zeros are shown. #}
{% test few_are_not_shown(model, counts) %}
select * from {{ model }}
where
    {%- for count in counts %}
    {{ count }} between 1 and {{ var('least_cell') }} - 1{{ ' or' if not loop.last }}
    {%- endfor %}
{% endtest %}
