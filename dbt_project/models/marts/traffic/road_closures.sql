-- Suspended ones and those that are over are kept: a page tells by its own clock what is in force.
with closures as (

    select * from {{ ref('int_traffic__closures_current') }}

),

managements as (

    select * from {{ ref('road_managements') }}

),

causes as (

    select * from {{ ref('closure_causes') }}

),

feeds as (

    select * from {{ ref('feeds') }}
    where feed = 'traffic.closures'

),

newest as (

    select {{ minutes_after('max(closures.version_at)', 'max(feeds.freshness_limit_minutes)') }} as current_until_at
    from closures
    cross join feeds

),

final as (

    select
        closures.situation_id,
        closures.version_at,
        newest.current_until_at,
        closures.road_number,
        closures.latitude,
        closures.longitude,
        closures.management_code,
        managements.label_vi as management_name,
        managements.is_closed,
        closures.cause_code,
        case when closures.cause_code is null then 'Chưa nêu' else coalesce(causes.label_vi, closures.cause_code) end as cause_name,
        closures.status_code = 'suspended' as is_suspended,
        closures.starts_at,
        closures.ends_at,
        coalesce(closures.way_round, 'Chưa nêu') as way_round
    from closures
    cross join newest
    inner join managements on closures.management_code = managements.management_code
    left join causes on closures.cause_code = causes.cause_code

)

select * from final
