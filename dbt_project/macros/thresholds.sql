{#
    The thresholds that hold on the local dates of `days` (a relation with `local_date`; without one, on the newest day), as columns local_date,
    key, level, lo and hi. `condition` chooses among the rows of the seed. A decision that replaces another holds from its date, whichever
    of the two is higher.
#}
{% macro thresholds_in_force(condition, days=none) -%}
    {%- set begins = "coalesce(thresholds.valid_from, cast('0001-01-01' as date))" -%}
    select
        days.local_date,
        thresholds.key,
        thresholds.level,
        {{ value_at_greatest('thresholds.lo', begins) }} as lo,
        {{ value_at_greatest('thresholds.hi', begins) }} as hi
    from ({{ 'select distinct local_date from ' ~ days if days else 'select ' ~ newest_local_day() ~ ' as local_date' }}) as days
    inner join {{ ref('thresholds') }} as thresholds
        on days.local_date between {{ begins }} and coalesce(thresholds.valid_to, cast('9999-12-31' as date))
    where {{ condition }}
    group by days.local_date, thresholds.key, thresholds.level
{%- endmacro %}
