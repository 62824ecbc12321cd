{# The newest row of each key, and whether a full list of its scope ended it: `ended_by_list_at` and `ended_by_delivery_id` name the first list of
   those that followed the last one in which the record was sent, accepted or refused; NULL while it stands in the newest list. `lists` is
   the generated staging model of the feed's lists, `record_key` what it calls a record within its list. A list of
   another scope ends nothing. #}
{% macro newest_versions_listed(relation, key, version, lists, scope, record_key) -%}
    select newest.*, endings.ended_by_list_at, endings.ended_by_delivery_id
    from ({{ newest_versions(relation, key, version) }}) as newest
    left join (
        select
            sent.{{ key }},
            min(later.listed_at) as ended_by_list_at,
            {{ value_at_least('later.delivery_id', 'later.listed_at') }} as ended_by_delivery_id
        from (
            select
                newest.{{ key }},
                {% for column in scope %}newest.{{ column }}, {% endfor %}
                coalesce(max(refused.listed_at), newest.{{ version }}) as sent_at
            from ({{ newest_versions(relation, key, version) }}) as newest
            left join {{ lists }} as refused
                on refused.is_refused
                and refused.listed_at > newest.{{ version }}
                and coalesce(refused.record_key = newest.{{ record_key }}, true)
                {% for column in scope %}and refused.{{ column }} = newest.{{ column }} {% endfor %}
            group by newest.{{ key }}, {% for column in scope %}newest.{{ column }}, {% endfor %}newest.{{ version }}
        ) as sent
        inner join {{ lists }} as later
            on not later.is_refused
            and later.listed_at > sent.sent_at
            {% for column in scope %}and later.{{ column }} = sent.{{ column }} {% endfor %}
        group by sent.{{ key }}
    ) as endings on newest.{{ key }} = endings.{{ key }}
{%- endmacro %}
