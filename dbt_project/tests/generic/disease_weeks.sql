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
having count(*) <> 1 + {{ days_between('min(' ~ week ~ ')', 'max(' ~ week ~ ')') }} / 7e0
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
    and coalesce(cases, deaths, cases_per_100k, cases_change, cases_change_percent, epidemic_threshold, cases_4_weeks, cluster_cases) is not null
    or is_small_cell and is_above_threshold is not null
    or is_small_cell and reported_places = 0
    or (cases is null) <> (is_small_cell or reported_places = 0)
{% endtest %}

{# A total of several weeks is made of weeks that are shown, each of them: it tells nothing that they do not. #}
{% test only_shown_weeks_are_added_up(model) %}
with weeks as (

    select
        *,
        sum(cases) over four_weeks as total,
        count(cases) over four_weeks as shown_weeks,
        sum(cases) over (
            partition by disease_code, place_code, cluster_start_date order by week_start_date
        ) as cluster_total
    from {{ model }}
    window four_weeks as (partition by disease_code, place_code order by week_start_date rows between 3 preceding and current row)

)

select *
from weeks
where
    cases_4_weeks is not null and (shown_weeks < 4 or cases_4_weeks <> total)
    or cluster_cases <> cluster_total
    or coalesce(is_cluster, false) <> (cluster_start_date is not null)
{% endtest %}

{# No group of a week is shown whose whole is hidden. #}
{% test a_hidden_week_has_no_group(model, weeks) %}
select cells.*
from {{ model }} as cells
inner join {{ weeks }} as weeks
    on cells.disease_code = weeks.disease_code and cells.week_start_date = weeks.week_start_date
where weeks.is_small_cell and cells.cases is not null
{% endtest %}

{# The difference attack by one who knows a year's total: less the weeks that are shown it is nobody, or at least var('least_cell') persons in
   at least two hidden weeks; fewer persons are hidden in five weeks, or all there are. #}
{% test no_hidden_week_of_reports_can_be_worked_out(model, records) %}
with years as (

    select
        disease_code,
        {{ iso_year(local_date('first_reported_at')) }} as iso_year,
        count(*) as cases
    from {{ records }}
    where record_kind = 'case' and classification_code <> 'loai_tru'
    group by 1, 2

),

shown as (

    select
        disease_code,
        iso_year,
        count(*) as weeks,
        coalesce(sum(reported_cases), 0) as cases,
        count(*) filter (where is_small_cell) as hidden_weeks
    from {{ model }}
    group by disease_code, iso_year

)

select shown.*, years.cases as all_cases
from shown
left join years on shown.disease_code = years.disease_code and shown.iso_year = years.iso_year
where
    shown.hidden_weeks = 0 and shown.cases <> coalesce(years.cases, 0)
    or shown.hidden_weeks = 1 and shown.weeks > 1
    or shown.hidden_weeks > 1
    and coalesce(years.cases, 0) - shown.cases < {{ var('least_cell') }}
    and shown.hidden_weeks < least({{ var('least_cell') }}, shown.weeks)
{% endtest %}

{# The difference attack: a year less its weeks that are shown is nothing, or at least var('least_cell') persons in at least two weeks. #}
{% test no_hidden_week_can_be_worked_out(model, weeks) %}
with years as (

    select
        years.disease_code,
        years.iso_year,
        years.cases,
        years.deaths,
        coalesce(sum(weeks.cases), 0) as shown_cases,
        coalesce(sum(weeks.deaths), 0) as shown_deaths,
        count(*) filter (where weeks.is_small_cell) as hidden_weeks,
        count(*) filter (where weeks.deaths is null) as hidden_death_weeks
    from {{ model }} as years
    inner join {{ weeks }} as weeks
        on years.disease_code = weeks.disease_code
        and years.iso_year = weeks.iso_year
        and weeks.place_level = 'province'
        and weeks.iso_week <= years.weeks
    where years.cases is not null
    group by years.disease_code, years.iso_year, years.cases, years.deaths

)

select *
from years
where
    hidden_weeks = 1
    or (hidden_weeks = 0) <> (cases = shown_cases)
    or cases - shown_cases between 1 and {{ var('least_cell') }} - 1
    or deaths > shown_deaths and (hidden_death_weeks = 1 or deaths - shown_deaths < {{ var('least_cell') }})
{% endtest %}
