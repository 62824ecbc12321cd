-- A warning has expired on the day on which its last info does, unless another message had ended it before.
with messages as (

    select * from {{ ref('int_warning_messages') }}

),

areas as (

    select sender, identifier, min(onset_at) as onset_at, max(expires_at) as expires_at
    from {{ ref('int_warning_areas') }}
    group by sender, identifier

),

endings as (

    select * from {{ ref('int_warning_references') }}

),

sent as (

    select
        messages.local_date,
        messages.message_type_code,
        messages.sent_at,
        messages._source_version,
        case
            when messages.message_type_code = 'Alert' then {{ hours_between('messages.sent_at', 'areas.onset_at') }}
        end as lead_hours
    from messages
    left join areas on messages.sender = areas.sender and messages.identifier = areas.identifier

),

sent_days as (

    select
        local_date,
        count(case when message_type_code = 'Alert' then 1 end) as issued,
        count(case when message_type_code = 'Update' then 1 end) as updated,
        count(case when message_type_code = 'Cancel' then 1 end) as cancelled,
        count(lead_hours) as leads_known,
        {{ percentile(0.5, 'lead_hours') }} as median_lead_hours,
        max(sent_at) as newest_message_at,
        max(_source_version) as source_version
    from sent
    group by local_date

),

expired as (

    select {{ local_date('areas.expires_at') }} as local_date, messages._source_version
    from messages
    inner join areas on messages.sender = areas.sender and messages.identifier = areas.identifier
    left join endings on messages.sender = endings.sender and messages.identifier = endings.identifier
    where
        messages.message_type_code in ('Alert', 'Update')
        and areas.expires_at <= {{ clock() }}
        and (endings.ended_at is null or endings.ended_at > areas.expires_at)

),

expired_days as (

    select local_date, count(*) as expired, max(_source_version) as source_version
    from expired
    group by local_date

),

days as (

    select local_date from sent_days
    union
    select local_date from expired_days

),

final as (

    select
        days.local_date,
        days.local_date = max(days.local_date) over () as is_latest,
        coalesce(sent_days.issued, 0) as issued,
        coalesce(sent_days.updated, 0) as updated,
        coalesce(sent_days.cancelled, 0) as cancelled,
        coalesce(expired_days.expired, 0) as expired,
        coalesce(sent_days.leads_known, 0) as leads_known,
        sent_days.median_lead_hours,
        sent_days.newest_message_at,
        {{ greatest_known('sent_days.source_version', 'expired_days.source_version') }} as source_version
    from days
    left join sent_days on days.local_date = sent_days.local_date
    left join expired_days on days.local_date = expired_days.local_date

)

select * from final
