{# Every member of a list has a row for every value of the column, zeros included, and nobody else has one. #}
{% test every_pair_has_a_row(model, of, key, column) %}
with expected as (

    select members.{{ key }}, spine.{{ column }}
    from {{ of }} as members
    cross join (select distinct {{ column }} from {{ model }}) as spine

)

select expected.{{ key }}, expected.{{ column }}, built.{{ key }} as built_key, built.{{ column }} as built_column
from expected
full outer join {{ model }} as built
    on expected.{{ key }} = built.{{ key }}
    and expected.{{ column }} = built.{{ column }}
where expected.{{ key }} is null or built.{{ key }} is null
{% endtest %}
