{% test sums_agree(model, column, with, with_column) %}
select *
from (select coalesce(sum({{ column }}), 0) as total from {{ model }}) as here
cross join (select coalesce(sum({{ with_column }}), 0) as total from {{ with }}) as there
where here.total <> there.total
{% endtest %}
