{# NULL on either side passes. #}
{% test never_more_than(model, smaller, larger) %}
select {{ smaller }}
from {{ model }}
where {{ smaller }} > {{ larger }}
{% endtest %}
