{# One query for all columns of a model: a `not_null` for each takes dbt longer than the database. #}
{% test never_null(model, columns) %}
select {{ columns | join(', ') }}
from {{ model }}
where {{ columns | join(' is null or ') }} is null
{% endtest %}
