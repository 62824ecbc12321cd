{% test at_least_rows(model, least) %}
select count(*) as row_count
from {{ model }}
having count(*) < {{ least }}
{% endtest %}
