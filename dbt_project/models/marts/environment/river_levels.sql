{{ config(materialized='incremental', unique_key=['gauge_id', 'measured_at'], on_schema_change='fail') }}

{%- set built = built_version('source_version') %}

{%- set stage = ref('stg_environment__river_levels') %}

-- The rise is over about an hour: from the newest measurement that is an hour older, and no more than two.
with new_levels as (

    select gauge_id, measured_at
    from {{ stage }}
    where _source_version > {{ built }}

),

newest as (

    select gauge_id, max(measured_at) as measured_at
    from (
        select gauge_id, measured_at from new_levels
        {%- if is_incremental() %}
        union all
        select gauge_id, measured_at from {{ this }} where is_latest
        {%- endif %}
    ) as told
    group by gauge_id

),

-- A new measurement changes the rise of those after it, and the one that was the latest may no longer be it.
affected as (

    select distinct later.gauge_id, later.measured_at
    from {{ stage }} as later
    inner join new_levels
        on later.gauge_id = new_levels.gauge_id
        and later.measured_at >= new_levels.measured_at
        and later.measured_at <= new_levels.measured_at + interval '2' hour
    {%- if is_incremental() %}
    union
    select gauge_id, measured_at from {{ this }} where is_latest
    {%- endif %}

),

levels as (

    select
        source.gauge_id,
        source.gauge_name,
        source.river_name,
        source.measured_at,
        source.level_m,
        source.trend_code,
        source._source_version as source_version
    from {{ stage }} as source
    inner join affected on source.gauge_id = affected.gauge_id and source.measured_at = affected.measured_at

),

earlier as (

    select
        levels.gauge_id,
        levels.measured_at,
        max(stage.measured_at) as earlier_at,
        {{ value_at_greatest('stage.level_m', 'stage.measured_at') }} as earlier_level_m
    from levels
    inner join {{ stage }} as stage
        on levels.gauge_id = stage.gauge_id
        and stage.measured_at <= levels.measured_at - interval '1' hour
        and stage.measured_at >= levels.measured_at - interval '2' hour
    group by levels.gauge_id, levels.measured_at

),

gauges as (

    select * from {{ ref('gauges') }}

),

feeds as (

    select * from {{ ref('feeds') }}
    where feed = 'environment.river_levels'

),

days as (

    select {{ local_date('measured_at') }} as local_date from levels

),

alarms as (

    select
        replace(key, 'river_alarm.', '') as gauge_id,
        local_date,
        max(lo) filter (where level = 'alarm_1') as alarm_1_m,
        max(lo) filter (where level = 'alarm_2') as alarm_2_m,
        max(lo) filter (where level = 'alarm_3') as alarm_3_m
    from ({{ thresholds_in_force("thresholds.key like 'river_alarm.%'", 'days') }}) as in_force
    group by key, local_date

),

judged as (

    select
        levels.*,
        alarms.alarm_1_m,
        alarms.alarm_2_m,
        alarms.alarm_3_m,
        case
            when alarms.gauge_id is null then null
            when levels.level_m >= alarms.alarm_3_m then 3
            when levels.level_m >= alarms.alarm_2_m then 2
            when levels.level_m >= alarms.alarm_1_m then 1
            else 0
        end as alarm_level,
        100e0 * (levels.level_m - earlier.earlier_level_m)
        / ({{ hours_between('earlier.earlier_at', 'levels.measured_at') }}) as rise_cm_per_hour
    from levels
    left join earlier on levels.gauge_id = earlier.gauge_id and levels.measured_at = earlier.measured_at
    left join alarms
        on levels.gauge_id = alarms.gauge_id
        and {{ local_date('levels.measured_at') }} = alarms.local_date

),

ahead as (

    select
        *,
        case alarm_level when 0 then alarm_1_m when 1 then alarm_2_m when 2 then alarm_3_m end - level_m as metres_to_next_alarm
    from judged

),

final as (

    select
        ahead.gauge_id,
        coalesce(gauges.gauge_name, ahead.gauge_name) as gauge_name,
        coalesce(gauges.river_name, ahead.river_name) as river_name,
        gauges.latitude,
        gauges.longitude,
        ahead.measured_at,
        {{ local_date('ahead.measured_at') }} as local_date,
        ahead.level_m,
        ahead.trend_code,
        case ahead.trend_code
            when 'rising' then 'Đang lên'
            when 'stable' then 'Ổn định'
            when 'dropping' then 'Đang xuống'
        end as trend_label,
        ahead.alarm_level,
        ahead.alarm_1_m,
        ahead.alarm_2_m,
        ahead.alarm_3_m,
        {{ six_decimals('ahead.level_m - ahead.alarm_1_m') }} as above_alarm_1_m,
        {{ six_decimals('ahead.rise_cm_per_hour') }} as rise_cm_per_hour,
        {{ six_decimals('ahead.metres_to_next_alarm') }} as metres_to_next_alarm,
        case
            when ahead.rise_cm_per_hour > 0
                then {{ six_decimals('100e0 * ahead.metres_to_next_alarm / ahead.rise_cm_per_hour') }}
        end as hours_to_next_alarm,
        ahead.measured_at = newest.measured_at as is_latest,
        {{ minutes_after('ahead.measured_at', 'feeds.freshness_limit_minutes') }} as current_until_at,
        ahead.source_version
    from ahead
    cross join feeds
    inner join newest on ahead.gauge_id = newest.gauge_id
    left join gauges on ahead.gauge_id = gauges.gauge_id

)

select * from final
