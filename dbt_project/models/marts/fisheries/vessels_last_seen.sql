{{ config(materialized='incremental', unique_key='vessel_key', on_schema_change='fail') }}

{%- set built = built_version('source_version') %}

-- Every vessel is written each time, for its silence grows with the clock; only new positions are read.
with positions as (

    select
        vessel_key,
        source_code,
        vessel_id,
        fixed_at,
        latitude,
        longitude,
        speed_knots,
        course_degrees,
        _source_version
    from {{ ref('int_vessel_positions') }}
    where _source_version > {{ built }}
    {%- if is_incremental() %}
    union all
    select
        vessel_key,
        source_code,
        vessel_id,
        last_fix_at as fixed_at,
        latitude,
        longitude,
        speed_knots,
        course_degrees,
        source_version as _source_version
    from {{ this }}
    {%- endif %}

),

ordered as (

    select
        *,
        row_number() over (partition by vessel_key order by fixed_at desc, _source_version desc) as newness,
        max(_source_version) over (partition by vessel_key) as source_version
    from positions

),

recent_fixes as (

    select vessel_key, count(*) as fixes_24h
    from {{ ref('int_vessel_positions') }}
    where fixed_at > {{ clock() }} - interval '24 hours' and fixed_at <= {{ clock() }}
    group by vessel_key

),

names as (

    select * from {{ ref('int_vessel_names') }}

),

last_fixes as (

    select
        *,
        {{ hours_between('fixed_at', clock()) }} as hours_since_fix
    from ordered
    where newness = 1

),

final as (

    select
        last_fixes.vessel_key,
        last_fixes.source_code,
        last_fixes.vessel_id,
        names.vessel_name,
        names.call_sign,
        last_fixes.fixed_at as last_fix_at,
        last_fixes.latitude,
        last_fixes.longitude,
        last_fixes.speed_knots,
        last_fixes.course_degrees,
        coalesce(recent_fixes.fixes_24h, 0) as fixes_24h,
        last_fixes.hours_since_fix,
        coalesce(recent_fixes.fixes_24h, 0) > 0 as is_active_24h,
        last_fixes.hours_since_fix > {{ var('silence_hours') }} as is_silent_6h,
        last_fixes.hours_since_fix > 24 * {{ var('silence_days') }} as is_silent_10d,
        last_fixes.latitude between 5 and 23 and last_fixes.longitude between 99 and 118 as is_in_east_sea,
        last_fixes.source_version
    from last_fixes
    left join recent_fixes using (vessel_key)
    left join names using (vessel_key)

)

select * from final
