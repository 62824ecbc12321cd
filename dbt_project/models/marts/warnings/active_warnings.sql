-- Of several warnings of one event for one area the newest message is shown, and how many others there are.
with places as (

    select *, lower(event) as event_key, coalesce(commune_code, lower(area_name)) as area_key
    from {{ ref('int_warning_places') }}
    where message_type_code in ('Alert', 'Update')

),

endings as (

    select * from {{ ref('int_warning_references') }}

),

severities as (

    select * from {{ ref('warning_severities') }}

),

risks as (

    select * from {{ ref('disaster_risk_levels') }}

),

in_force as (

    select places.*, severities.severity_rank, severities.label_vi as severity_label, risks.label_vi as risk_label
    from places
    left join endings on places.sender = endings.sender and places.identifier = endings.identifier
    left join severities on places.severity_code = severities.severity_code
    left join risks on places.risk_level = risks.risk_level
    where endings.ended_at is null and places.effective_at <= {{ clock() }} and places.expires_at > {{ clock() }}

),

ranked as (

    select
        *,
        row_number() over (
            partition by event_key, area_key
            order by
                sent_at desc, coalesce(risk_level, 0) desc, coalesce(severity_rank, 0) desc, sender, identifier, info_number, area_number
        ) as place_among_warnings
    from in_force

),

groups as (

    select event_key, area_key, count(*) as messages, max(_source_version) as source_version
    from (select distinct event_key, area_key, sender, identifier, _source_version from in_force) as told
    group by event_key, area_key

),

final as (

    select
        ranked.event_key,
        ranked.area_key,
        ranked.event,
        ranked.area_name,
        ranked.commune_code,
        ranked.placed_by_code,
        ranked.risk_level,
        coalesce(ranked.risk_label, 'Không nêu cấp') as risk_label,
        ranked.severity_code,
        ranked.severity_rank,
        ranked.severity_label,
        ranked.urgency_code,
        ranked.certainty_code,
        ranked.category_codes,
        ranked.message_type_code = 'Update' as is_updated,
        ranked.sent_at,
        ranked.effective_at,
        ranked.onset_at,
        ranked.expires_at,
        ranked.is_expiry_assumed,
        {{ six_decimals(hours_between('ranked.sent_at', clock())) }} as age_hours,
        groups.messages - 1 as other_messages,
        case
            when groups.messages > 1
                then 'Còn ' || cast(groups.messages - 1 as varchar) || ' bản tin khác cùng sự kiện và vùng; đây là bản mới nhất'
        end as note,
        groups.source_version
    from ranked
    inner join groups on ranked.event_key = groups.event_key and ranked.area_key = groups.area_key
    where ranked.place_among_warnings = 1

)

select * from final
