{# What is counted of a group of schools in a school year (school_years), as the columns of a select list. #}
{% macro school_counts() -%}
    count(*) as registered_schools,
    count(*) filter (where is_reported) as reported_schools,
    count(is_national_standard) as judged_schools,
    count(case when is_national_standard then 1 end) as national_standard_schools,
    count(has_internet) as internet_told_schools,
    count(case when has_internet then 1 end) as internet_schools,
    count(has_clean_water) as clean_water_told_schools,
    count(case when has_clean_water then 1 end) as clean_water_schools,
    cast(sum(classes) as bigint) as classes,
    cast(coalesce(sum(reported_classes), 0) as bigint) as reported_classes,
    cast(sum(reported_classes) filter (where classes_over_limit is not null) as bigint) as limited_classes,
    cast(sum(classes_over_limit) as bigint) as classes_over_limit,
    count(*) filter (where is_compared) as compared_schools,
    cast(sum(pupils) filter (where is_compared) as bigint) as compared_pupils,
    cast(sum(pupils_year_before) filter (where is_compared) as bigint) as compared_pupils_year_before,
    max(newest_export_at) as newest_export_at
{%- endmacro %}

{# The counts of `relation` and the shares, each with what it divides by; NULL where nobody said. #}
{% macro school_figures(relation) -%}
    {{ relation }}.registered_schools,
    {{ relation }}.reported_schools,
    round(100e0 * {{ relation }}.reported_schools / {{ relation }}.registered_schools, 2) as coverage_percent,
{%- for told, schools, percent in [
    ('judged_schools', 'national_standard_schools', 'national_standard_percent'),
    ('internet_told_schools', 'internet_schools', 'internet_percent'),
    ('clean_water_told_schools', 'clean_water_schools', 'clean_water_percent'),
] %}
    {{ relation }}.{{ told }},
    case when {{ relation }}.{{ told }} > 0 then {{ relation }}.{{ schools }} end as {{ schools }},
    round(100e0 * {{ relation }}.{{ schools }} / nullif({{ relation }}.{{ told }}, 0), 2) as {{ percent }},
{%- endfor %}
    {{ relation }}.classes,
    {{ relation }}.reported_classes,
    round(100e0 * {{ relation }}.reported_classes / nullif({{ relation }}.classes, 0), 2) as reported_classes_percent,
    {{ relation }}.limited_classes,
    {{ relation }}.classes_over_limit,
    round(100e0 * {{ relation }}.classes_over_limit / nullif({{ relation }}.limited_classes, 0), 2) as classes_over_limit_percent,
    {{ relation }}.compared_schools,
    {{ relation }}.compared_pupils,
    {{ relation }}.compared_pupils_year_before,
    round(
        100e0 * ({{ relation }}.compared_pupils - {{ relation }}.compared_pupils_year_before)
        / nullif({{ relation }}.compared_pupils_year_before, 0),
        2
    ) as pupils_change_percent,
    {{ relation }}.newest_export_at
{%- endmacro %}
