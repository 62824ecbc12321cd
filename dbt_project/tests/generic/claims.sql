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
    select *, sum(spent_vnd) over (partition by facility_code, year(month_date) order by month_date) as total from {{ model }}
) as running
where spent_in_year_vnd <> total
{% endtest %}

{# A count of 1 to 4 out of a known total, or one that leaves 1 to 4, must not be shown. #}
{% test a_small_outcome_is_hidden(model, total, counts) %}
{%- set least = var('least_cell') %}
select * from {{ model }}
where
    {%- for count in counts %}
    ({{ count }} > 0 and ({{ count }} < {{ least }} or {{ total }} - {{ count }} between 1 and {{ least }} - 1)){{ ' or' if not loop.last }}
    {%- endfor %}
{% endtest %}

{% test a_hidden_cell_shows_nothing(model) %}
select * from {{ model }}
where is_hidden <> (visits is null) or is_hidden <> (patients is null) or patients < {{ var('least_cell') }}
{% endtest %}
