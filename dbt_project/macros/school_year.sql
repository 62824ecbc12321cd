{# The school year of a local date, as `2026-2027`: it begins on 1 August. #}
{% macro school_year_of(date_column) -%}
    {%- set start = 'cast(extract(year from ' ~ date_column ~ " - interval '7' month) as integer)" -%}
    cast({{ start }} as varchar) || '-' || cast({{ start }} + 1 as varchar)
{%- endmacro %}

{# The school year before one. #}
{% macro school_year_before(school_year) -%}
    cast({{ whole_number('substr(' ~ school_year ~ ', 1, 4)') }} - 1 as varchar) || '-' || substr({{ school_year }}, 1, 4)
{%- endmacro %}

{# The school year in which the clock stands. #}
{% macro school_year_of_clock() -%}
    {{ school_year_of(local_date(clock())) }}
{%- endmacro %}
