{# A sum or mean of doubles to six decimals. Its last digits depend on the order of the rows, and so would a half at the seventh decimal,
   where a build made anew must give the same as one that was continued: nine decimals first take that noise away. #}
{% macro six_decimals(value) -%}
    round(round({{ value }}, 9), 6)
{%- endmacro %}

{# The mean of the known values, NULL where none is known; six decimals, so that 100 is not 100.00000000000001. #}
{% macro weighted_mean(value, weight) -%}
    {{ six_decimals(
        '1e0 * sum(' ~ value ~ ' * ' ~ weight ~ ') / nullif(sum(' ~ weight ~ ') filter (where ' ~ value ~ ' is not null), 0)'
    ) }}
{%- endmacro %}

{# What is left of a whole after the failed part, in percent; NULL where the whole is nothing or unknown. #}
{% macro passed_percent(failed, whole) -%}
    100e0 * {{ greatest_known(whole ~ ' - (' ~ failed ~ ')', 0) }} / nullif({{ whole }}, 0)
{%- endmacro %}

{# Freshness as a score: 100 up to the promise, 0 from the limit, a straight line between; NULL without any event. #}
{% macro live_percent(age_minutes, promise_minutes, limit_minutes) -%}
    case
        when {{ age_minutes }} is null then null
        else {{ greatest_known('0e0', least_known('100e0',
            '100e0 * (' ~ limit_minutes ~ ' - (' ~ age_minutes ~ ')) / (' ~ limit_minutes ~ ' - ' ~ promise_minutes ~ ')'
        )) }}
    end
{%- endmacro %}

{# From where a score is green and from where yellow, as one row of the seed `thresholds` (letter 4856/BCA-TTDLQG): what is in force on the day of
   the build. #}
{% macro score_limits() -%}
    select
        max(lo) filter (where level = 'green') as green_from,
        max(lo) filter (where level = 'yellow') as yellow_from
    from ({{ thresholds_in_force("thresholds.domain = 'quality' and thresholds.key = 'score'") }}) as levels
{%- endmacro %}

{# The level of a score; `score_limits` is joined beside it. Identifier columns must be 100 %, whatever the score. #}
{% macro score_level(score, identifier_percent) -%}
    case
        when {{ score }} is null then 'unknown'
        when {{ identifier_percent }} < 100 then 'red'
        when {{ score }} >= score_limits.green_from then 'green'
        when {{ score }} >= score_limits.yellow_from then 'yellow'
        else 'red'
    end
{%- endmacro %}

{% macro score_level_label(level) -%}
    case {{ level }}
        when 'green' then 'Xanh'
        when 'yellow' then 'Vàng'
        when 'red' then 'Đỏ'
        else 'Không rõ'
    end
{%- endmacro %}

{# Why a level is not green, in Vietnamese: the identifier columns that are not at 100 %, and the axes below green; NULL where it is green or unknown. #}
{% macro level_reason(level, axes, failed_identifiers) -%}
    case
        when {{ level }} in ('yellow', 'red')
            then nullif(concat_ws(
                '; ',
                'Cột định danh chưa đạt 100 %: ' || {{ failed_identifiers }}
                {%- for label, column in (('Đúng', 'correct'), ('Đủ', 'complete'), ('Sạch', 'clean'), ('Sống', 'live'), ('Thống nhất', 'consistent')) %},
                case
                    when {{ axes }}.{{ column }} < score_limits.green_from
                        then '{{ label }} ' || {{ number_text(axes ~ '.' ~ column, 1) }} || ' %'
                end
                {%- endfor %}
            ), '')
    end
{%- endmacro %}

{# The identifier columns of a group of rules that failed, as text; the rules are rows of `column_score_days`. #}
{% macro failed_identifier(column_name, failed, evaluated) -%}
    {{ column_name }} || ' sai ' || cast({{ failed }} as varchar) || '/' || cast({{ evaluated }} as varchar)
{%- endmacro %}

{# How many days after a slot's day its score tells of it: a slot counts on the day on which its feed's promise for it ends. #}
{% macro slot_due_days() -%}
    cast({{ whole_quotient('(' ~ greatest_known(1440, 'feeds.cadence_minutes') ~ ' + feeds.freshness_minutes)', 1440) }} - 1 as integer)
{%- endmacro %}

{# The first day that a build of a history of scores has to judge: a day is judged until a day after its end, so that what was on its
   way at midnight has come; an older one keeps the score it was told with. Without a history, the first day of the books. #}
{% macro first_day_to_score() -%}
    {%- if is_incremental() -%}
        {%- set open_days = "select min(local_date) from " ~ this ~ " where judged_at < "
            ~ start_of_local_day('local_date') ~ " + interval '2' day" -%}
        {{ least_known(newest_local_day(), literal_of(open_days, 'date', '9999-12-31')) }}
    {%- else -%}
        (
            select {{ least_known(newest_local_day(), 'min(' ~ local_date("loaded_at - interval '1' second") ~ ')') }}
            from {{ ref('stg_quality__deliveries') }}
        )
    {%- endif -%}
{%- endmacro %}

{# The days to judge, one row each: `scored_at` is the end of the day, or the clock while the day runs; what was loaded in the hours of
   the window before it counts. A load at midnight belongs to the day that has just ended. #}
{% macro days_to_score() -%}
    select
        local_date,
        {{ least_known(clock(), start_of_local_day("local_date + interval '1' day")) }} as scored_at,
        {{ least_known(clock(), start_of_local_day("local_date + interval '1' day")) }}
        - interval '{{ var("score_window_hours") }}' hour as window_start_at
    from ({{ days_from_to(first_day_to_score(), newest_local_day()) }}) as spine
{%- endmacro %}
