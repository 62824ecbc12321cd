{#
    The headline figures of a domain, in words of both languages. The caller has a query `figures`, a row per figure of the seed `headlines` that it
    knows: headline_id, value, value_before (NULL where nothing is compared or the history is too short), current_until_at (NULL: until the next
    release) and newest_event_at. A figure of the seed without a row is not known.
#}
{% macro headlines(domain) -%}
    select
        listed.headline_id,
        listed.domain,
        listed.place,
        listed.label_vi,
        listed.label_en,
        figures.value,
        figures.value_before,
        case
            when figures.value is null or listed.better is null then null
            when listed.better = 'higher' and figures.value >= listed.green_limit then 'green'
            when listed.better = 'higher' and figures.value < listed.red_limit then 'red'
            when listed.better = 'lower' and figures.value <= listed.green_limit then 'green'
            when listed.better = 'lower' and figures.value > listed.red_limit then 'red'
            else 'yellow'
        end as level,
{%- for language in ['vi', 'en'] %}
        {{ figure_in_words('figures.value', language) }} as shown_{{ language }},
        {{ trend_in_words(language) }} as trend_{{ language }},
        {{ limits_in_words(language) }} as limits_{{ language }},
{%- endfor %}
        figures.newest_event_at,
        figures.current_until_at,
        listed.dashboard
    from {{ ref('headlines') }} as listed
    left join figures on listed.headline_id = figures.headline_id
    where listed.domain = '{{ domain }}'
{%- endmacro %}

{# A figure with its unit; the number as each language writes it. #}
{% macro figure_in_words(value, language) -%}
    {{ number_in_words(value, language) }} || case when listed.unit_{{ language }} = '%' then '%' else coalesce(' ' || listed.unit_{{ language }}, '') end
{%- endmacro %}

{% macro number_in_words(value, language) -%}
    {%- set written = "case listed.decimals when 0 then " ~ grouped_number(value, 0) ~ " else " ~ grouped_number(value, 1) ~ " end" -%}
    {{ "translate(" ~ written ~ ", ',.', '.,')" if language == 'vi' else written }}
{%- endmacro %}

{# How far a figure moved from the one before, and what that was. #}
{% macro trend_in_words(language) -%}
    {%- set words = {
        'vi': {'same': 'không đổi', 'than': ' so với ', 'short': 'chưa đủ lịch sử'},
        'en': {'same': 'unchanged', 'than': ' against ', 'short': 'history too short'},
    }[language] -%}
    case
        when figures.value is null or listed.compared_with_{{ language }} is null then null
        when figures.value_before is null then '{{ words.short }}'
        else
            case
                when round(figures.value, listed.decimals) = round(figures.value_before, listed.decimals) then '= {{ words.same }}'
                when figures.value > figures.value_before then '▲ '
                else '▼ '
            end
            || case
                when round(figures.value, listed.decimals) = round(figures.value_before, listed.decimals) then ''
                else
                    {{ number_in_words('abs(round(figures.value, listed.decimals) - round(figures.value_before, listed.decimals))', language) }}
            end
            || '{{ words.than }}' || listed.compared_with_{{ language }}
            || ' (' || {{ figure_in_words('figures.value_before', language) }} || ')'
    end
{%- endmacro %}

{# From where a figure is green and from where red, as the page tells it. #}
{% macro limits_in_words(language) -%}
    {%- set words = {'vi': {'green': 'xanh', 'red': 'đỏ'}, 'en': {'green': 'green', 'red': 'red'}}[language] -%}
    case listed.better
        when 'higher'
            then
                '{{ words.green }} ≥ ' || {{ number_in_words('listed.green_limit', language) }}
                || coalesce(', {{ words.red }} < ' || {{ number_in_words('listed.red_limit', language) }}, '')
        when 'lower'
            then
                '{{ words.green }} ≤ ' || {{ number_in_words('listed.green_limit', language) }}
                || coalesce(', {{ words.red }} > ' || {{ number_in_words('listed.red_limit', language) }}, '')
    end
{%- endmacro %}
