{% test as_many_rows_as(model, other) %}
select *
from (select count(*) as row_count from {{ model }}) as here
cross join (select count(*) as row_count from {{ other }}) as there
where here.row_count <> there.row_count
{% endtest %}
