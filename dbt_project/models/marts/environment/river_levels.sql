{{ config(materialized='incremental', unique_key=['gauge_id', 'measured_at'], on_schema_change='fail') }}

{%- set built = built_version('source_version') %}

with new_levels as (

    select
        gauge_id,
        gauge_name,
        river_name,
        measured_at,
        level_m,
        trend_code,
        _source_version as source_version
    from {{ ref('stg_environment__river_levels') }}
    where _source_version > {{ built }}

),

-- The measurement that was the latest may no longer be it.
levels as (

    select * from new_levels
    {%- if is_incremental() %}
    union all
    select
        gauge_id,
        gauge_name,
        river_name,
        measured_at,
        level_m,
        trend_code,
        source_version
    from {{ this }}
    where is_latest
    {%- endif %}

),

gauges as (

    select * from {{ ref('gauges') }}

),

alarms as (

    select
        replace(key, 'river_alarm.', '') as gauge_id,
        max(lo) filter (where level = 'alarm_1') as alarm_1_m,
        max(lo) filter (where level = 'alarm_2') as alarm_2_m,
        max(lo) filter (where level = 'alarm_3') as alarm_3_m
    from {{ ref('thresholds') }}
    where key like 'river_alarm.%'
    group by key

),

final as (

    select
        levels.gauge_id,
        coalesce(gauges.gauge_name, levels.gauge_name) as gauge_name,
        coalesce(gauges.river_name, levels.river_name) as river_name,
        gauges.latitude,
        gauges.longitude,
        levels.measured_at,
        {{ local_date('levels.measured_at') }} as local_date,
        levels.level_m,
        levels.trend_code,
        case levels.trend_code
            when 'rising' then 'Đang lên'
            when 'stable' then 'Ổn định'
            when 'dropping' then 'Đang xuống'
        end as trend_label,
        case
            when alarms.gauge_id is null then null
            when levels.level_m >= alarms.alarm_3_m then 3
            when levels.level_m >= alarms.alarm_2_m then 2
            when levels.level_m >= alarms.alarm_1_m then 1
            else 0
        end as alarm_level,
        levels.measured_at = max(levels.measured_at) over (partition by levels.gauge_id) as is_latest,
        levels.source_version
    from levels
    left join gauges using (gauge_id)
    left join alarms using (gauge_id)

)

select * from final
