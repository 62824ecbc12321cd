{# True for a month that the messages of a facility reach: from the month of its first claim to that of its last (int_health_facility_messages). #}
{% macro is_reached_month(month_date) -%}
    {{ month_date }} between {{ month_of('messages.first_claims_date') }} and {{ month_of('messages.last_claims_date') }}
{%- endmacro %}
