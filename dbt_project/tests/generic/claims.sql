{# The identities of decision 130/QĐ-BYT on claims in force. NULL (a file that was not accepted) passes. #}
{% test medicine_is_the_sum_of_its_lines(model) %}
select * from {{ model }}
where medicine_vnd <> medicine_lines_vnd
{% endtest %}

{% test total_is_the_sum_of_all_lines(model) %}
select * from {{ model }}
where total_vnd <> medicine_lines_vnd + service_lines_vnd
{% endtest %}

{% test insurer_pays_what_the_patient_does_not(model) %}
select * from {{ model }}
where insurer_paid_vnd <> insured_total_vnd - copayment_vnd
{% endtest %}

{% test spending_of_a_year_is_the_sum_of_its_months(model) %}
select *
from (
    select
        *,
        sum(spent_vnd) over year_so_far as total,
        bool_or(is_small_cell) over year_so_far as has_hidden_month
    from {{ model }}
    window year_so_far as (partition by facility_code, year(month_date) order by month_date)
) as running
where spent_in_year_vnd <> total and not has_hidden_month or spent_in_year_vnd < total
{% endtest %}

{# A count out of a total of few, one of 1 to 4 out of a known total, or one that leaves 1 to 4, must not be shown. #}
{% test a_small_outcome_is_hidden(model, total, counts) %}
{%- set least = var('least_cell') %}
select * from {{ model }}
where
    {%- for count in counts %}
    {{ total }} < {{ least }} and {{ count }} is not null
    or {{ count }} between 1 and {{ least }} - 1
    or {{ count }} > 0 and {{ total }} - {{ count }} between 1 and {{ least }} - 1{{ ' or' if not loop.last }}
    {%- endfor %}
{% endtest %}

{% test a_length_of_few_stays_is_hidden(model) %}
select * from {{ model }}
where counted_stays < {{ var('least_cell') }} and coalesce(treatment_days, mean_stay_days) is not null
{% endtest %}

{% test what_few_claims_cost_is_hidden(model) %}
select * from {{ model }}
where
    priced_claims < {{ var('least_cell') }} and coalesce(total_vnd, medicine_vnd) is not null
    or claims between 1 and {{ var('least_cell') }} - 1 and spent_vnd is not null
    or is_small_cell and spent_vnd is not null
{% endtest %}

{# The difference attack: one sum of a year less the one before and the months shown between them is nothing, or what several patients cost. #}
{% test no_hidden_spending_can_be_worked_out(model) %}
select facility_code, spans.year_number, spans.sums_before
from (
    select
        *,
        year(month_date) as year_number,
        count(spent_in_year_vnd) over (
            partition by facility_code, year(month_date) order by month_date rows between unbounded preceding and 1 preceding
        ) as sums_before
    from {{ model }}
) as spans
group by facility_code, spans.year_number, spans.sums_before
having
    count(spent_in_year_vnd) > 0
    and count(*) filter (where is_small_cell) > 0
    and (count(*) filter (where is_small_cell) = 1 or sum(claims) filter (where is_small_cell) < {{ var('least_cell') }})
{% endtest %}

{# The difference attack: the province less the facilities that are shown leaves nobody, or few neither of the count nor of the others. #}
{% test no_outcome_can_be_worked_out(model, counts) %}
{%- set least = var('least_cell') %}
{%- for count in counts %}
select month_date, '{{ count }}' as counted
from {{ model }}
group by month_date
having
    max({{ count }}) filter (where place_level = 'province') is not null
    and count(*) filter (where place_level = 'facility' and {{ count }} is null and discharges > 0) > 0
    and (
        count(*) filter (where place_level = 'facility' and {{ count }} is null and discharges > 0) < 2
        or max({{ count }}) filter (where place_level = 'province') - coalesce(sum({{ count }}) filter (where place_level = 'facility'), 0) < {{ least }}
        or sum(discharges - {{ count }}) filter (where place_level = 'province')
            - coalesce(sum(discharges - {{ count }}) filter (where place_level = 'facility'), 0) < {{ least }}
    )
{{ 'union all' if not loop.last }}
{%- endfor %}
{% endtest %}

{% test a_hidden_cell_shows_nothing(model) %}
select * from {{ model }}
where is_hidden <> (visits is null) or is_hidden <> (patients is null) or patients < {{ var('least_cell') }}
{% endtest %}
