{# What is counted of a group of cases (feedback_cases), as the columns of a select list. #}
{% macro feedback_counts() -%}
    count(*) as received_cases,
    count(*) filter (where is_closed) as closed_cases,
    count(*) filter (where is_within_competence) as within_competence_cases,
    count(*) filter (where is_handled) as handled_cases,
    count(*) filter (where is_on_time is not null) as due_closed_cases,
    count(*) filter (where is_on_time is not null or is_overdue) as due_cases,
    count(*) filter (where is_on_time) as on_time_cases,
    count(*) filter (where is_overdue) as overdue_cases,
    count(*) filter (where reassignment_count > 1) as reassigned_cases,
    count(satisfaction_rating) as rated_cases,
    count(*) filter (where is_satisfied) as satisfied_cases,
    {{ percentile(0.5, 'case when is_handled then hours_to_close end') }} as median_hours_to_close,
    {{ percentile(0.9, 'case when is_handled then hours_to_close end') }} as p90_hours_to_close
{%- endmacro %}

{# The counts of `relation` with zeros for a group without a case, and the shares, each with what it divides by. #}
{% macro feedback_figures(relation) -%}
{%- for count in [
    'received_cases', 'closed_cases', 'within_competence_cases', 'handled_cases', 'due_closed_cases', 'due_cases', 'on_time_cases',
    'overdue_cases', 'reassigned_cases', 'rated_cases', 'satisfied_cases'
] %}
    coalesce({{ relation }}.{{ count }}, 0) as {{ count }},
{%- endfor %}
    100e0 * {{ relation }}.handled_cases / nullif({{ relation }}.within_competence_cases, 0) as handled_percent,
    100e0 * {{ relation }}.on_time_cases / nullif({{ relation }}.due_closed_cases, 0) as on_time_of_closed_percent,
    100e0 * {{ relation }}.on_time_cases / nullif({{ relation }}.due_cases, 0) as on_time_of_due_percent,
    100e0 * {{ relation }}.reassigned_cases / nullif({{ relation }}.received_cases, 0) as reassigned_percent,
    100e0 * {{ relation }}.satisfied_cases / nullif({{ relation }}.rated_cases, 0) as satisfied_percent,
    {{ relation }}.median_hours_to_close,
    {{ relation }}.p90_hours_to_close
{%- endmacro %}
