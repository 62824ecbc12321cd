{# The mean of the known values, NULL where none is known; six decimals, so that 100 is not 100.00000000000001. #}
{% macro weighted_mean(value, weight) -%}
    round(
        sum({{ value }} * {{ weight }})
        / nullif(sum({{ weight }}) filter (where {{ value }} is not null), 0), 6
    )
{%- endmacro %}

{# Freshness as a score: 100 up to the promise, 0 from the limit, a straight line between; NULL without any event. #}
{% macro live_percent(age_minutes, promise_minutes, limit_minutes) -%}
    case
        when {{ age_minutes }} is null then null
        else greatest(0.0, least(100.0,
            100.0 * ({{ limit_minutes }} - ({{ age_minutes }})) / ({{ limit_minutes }} - {{ promise_minutes }})
        ))
    end
{%- endmacro %}

{# Levels of letter 4856/BCA-TTDLQG: identifier columns must be 100 %, whatever the score. #}
{% macro score_level(score, identifier_percent) -%}
    case
        when {{ score }} is null then 'unknown'
        when {{ identifier_percent }} < 100 then 'red'
        when {{ score }} >= {{ var('score_green_from') }} then 'green'
        when {{ score }} >= {{ var('score_yellow_from') }} then 'yellow'
        else 'red'
    end
{%- endmacro %}
