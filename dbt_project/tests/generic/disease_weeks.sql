{# Cells that are not shown cannot be computed from their group's total: they are two or more that hold somebody, five persons or more, and not
   one person each. #}
{% test hidden_cells_cannot_be_computed(model, count, hidden, within, total_where, cell_where, least) %}
with totals as (

    select {{ within | join(', ') }}, {{ count }} as total
    from {{ model }}
    where {{ total_where }} and {{ count }} is not null

),

shown as (

    select
        {{ within | join(', ') }},
        coalesce(sum({{ count }}), 0) as shown,
        count(*) filter (where {{ hidden }}) as hidden_cells
    from {{ model }}
    where {{ cell_where }}
    group by {{ within | join(', ') }}

)

select *
from totals
inner join shown using ({{ within | join(', ') }})
where hidden_cells > 0 and (hidden_cells < 2 or total - shown < {{ least }} or total - shown = hidden_cells)
{% endtest %}

{% test no_small_count_is_shown(model, column_name, least) %}
select {{ column_name }}
from {{ model }}
where {{ column_name }} between 1 and {{ least }} - 1
{% endtest %}

{# No week is left out between the first and the last of a series. #}
{% test weekly_series_has_no_hole(model, key, week) %}
select {{ key | join(', ') }}
from {{ model }}
group by {{ key | join(', ') }}
having count(*) <> 1 + (max({{ week }}) - min({{ week }})) / 7
{% endtest %}

{# A count stands in the column of its own resolution and in no other. #}
{% test a_count_stands_in_the_column_of_its_resolution(model) %}
select *
from {{ model }}
where
    (cases_of_day is not null) <> (period_kind = 'day')
    or (cases_of_week is not null) <> (period_kind = 'week')
    or (cases_of_month is not null) <> (period_kind = 'month')
    or (cases_of_year is not null) <> (period_kind = 'year')
{% endtest %}

{# What is hidden in a week is hidden in every column that tells of it. #}
{% test a_hidden_week_tells_nothing(model) %}
select *
from {{ model }}
where
    is_small_cell
    and coalesce(cases, deaths, cases_per_100k, cases_change, cases_change_percent, epidemic_threshold) is not null
    or is_small_cell and is_above_threshold is not null
    or is_small_cell and reported_places = 0
    or (cases is null) <> (is_small_cell or reported_places = 0)
{% endtest %}
