{% test one_latest_per(model, key) %}
select {{ key }}, count(*) filter (where is_latest) as latest_rows
from {{ model }}
group by {{ key }}
having count(*) filter (where is_latest) <> 1
{% endtest %}
