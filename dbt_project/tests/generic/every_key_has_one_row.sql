{# Every key that another table names has one row, and no other key has one. #}
{% test every_key_has_one_row(model, key, of, only='true') %}
with named as (

    select distinct {{ key }} from {{ of }} where {{ only }}

),

counted as (

    select {{ key }}, count(*) as row_count from {{ model }} group by {{ key }}

)

select coalesce(named.{{ key }}, counted.{{ key }}) as {{ key }}, counted.row_count
from named
full outer join counted on named.{{ key }} = counted.{{ key }}
where named.{{ key }} is null or counted.row_count is distinct from 1
{% endtest %}
