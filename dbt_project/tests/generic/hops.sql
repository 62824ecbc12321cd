{# What enters a table leaves it: the identities of a hop. In a condition, `here` is the tested table and `there` is the other one. #}

{# The keys of one table are those of the other, counted once, each side where its condition holds. #}
{% test same_keys_as(model, keys, other, other_keys, only='true', other_only='true') %}
with here as (

    select * from {{ model }}

),

there as (

    select * from {{ other }}

),

mine as (

    select {{ keys | join(', ') }} from here where {{ only }}

),

theirs as (

    select {{ other_keys | join(', ') }} from there where {{ other_only }}

)

select * from (select * from mine except select * from theirs) as invented
union all
select * from (select * from theirs except select * from mine) as lost
{% endtest %}

{# Each group's total is the sum over the records of the other table; a group that only one of them has counts as 0 in the other. #}
{% test total_is_the_sum_of_records(model, total, keys, other, other_keys, amount='1', other_only='true') %}
with here as (

    select * from {{ model }}

),

there as (

    select * from {{ other }}

),

totals as (

    select
        {%- for key in keys %}
        {{ key }} as key_{{ loop.index }},
        {%- endfor %}
        sum({{ total }}) as total
    from here
    group by {{ range(1, (keys | length) + 1) | join(', ') }}

),

records as (

    select
        {%- for key in other_keys %}
        {{ key }} as key_{{ loop.index }},
        {%- endfor %}
        sum({{ amount }}) as total
    from there
    where {{ other_only }}
    group by {{ range(1, (keys | length) + 1) | join(', ') }}

)

select *
from totals
full outer join records using ({% for key in keys %}key_{{ loop.index }}{{ ', ' if not loop.last }}{% endfor %})
where coalesce(totals.total, 0) <> coalesce(records.total, 0)
{% endtest %}
