{{ config(materialized='view', database='memory', schema='staging') }}

-- Of a message in several languages the Vietnamese infos count, or else those in the language of its first one. An info that tells the all-clear
-- warns of nothing. What has no end is given one, and what has no beginning begins when it is sent.
with messages as (

    select * from {{ ref('int_warning_messages') }}

),

lifetimes as (

    select in_force.local_date, in_force.hi as hours
    from ({{ thresholds_in_force("thresholds.domain = 'warnings' and thresholds.key = 'lifetime'", 'messages') }}) as in_force

),

areas as (

    select
        messages.sender,
        messages.identifier,
        messages.sent_at,
        messages.local_date,
        messages.message_type_code,
        messages._source_version,
        coalesce({{ whole_number(json_value('members.member', 'info')) }}, 0) as info_number,
        coalesce({{ whole_number(json_value('members.member', 'area')) }}, 0) as area_number,
        lower(coalesce({{ json_value('members.member', 'language') }}, 'en-US')) as language,
        {{ json_value('members.member', 'event') }} as event,
        {{ json_value('members.member', 'categories') }} as category_codes,
        coalesce({{ json_value('members.member', 'responses') }}, '') as response_codes,
        {{ json_value('members.member', 'urgency') }} as urgency_code,
        {{ json_value('members.member', 'severity') }} as severity_code,
        {{ json_value('members.member', 'certainty') }} as certainty_code,
        {{ whole_number(json_value('members.member', 'risk_level')) }} as risk_level,
        {{ instant_of_page_time(json_value('members.member', 'effective')) }} as told_effective_at,
        {{ instant_of_page_time(json_value('members.member', 'onset')) }} as onset_at,
        {{ instant_of_page_time(json_value('members.member', 'expires')) }} as told_expires_at,
        {{ json_value('members.member', 'description') }} as area_description,
        {{ json_value('members.member', 'units') }} as unit_codes,
        {{ json_value('members.member', 'polygons') }} as polygons
    from messages
    cross join {{ json_members('messages.areas') }}

),

languages as (

    select
        sender,
        identifier,
        max(case when language like 'vi%' then 1 else 0 end) as has_vietnamese,
        {{ value_at_least('language', 'info_number') }} as first_language
    from areas
    group by sender, identifier

),

final as (

    select
        areas.sender,
        areas.identifier,
        areas.sent_at,
        areas.local_date,
        areas.message_type_code,
        areas._source_version,
        areas.info_number,
        areas.area_number,
        areas.event,
        areas.category_codes,
        areas.urgency_code,
        areas.severity_code,
        areas.certainty_code,
        areas.risk_level,
        coalesce(areas.told_effective_at, areas.sent_at) as effective_at,
        areas.onset_at,
        coalesce(areas.told_expires_at, {{ minutes_after('areas.sent_at', '60 * lifetimes.hours') }}) as expires_at,
        areas.told_expires_at is null as is_expiry_assumed,
        areas.area_description,
        areas.unit_codes,
        areas.polygons
    from areas
    inner join languages on areas.sender = languages.sender and areas.identifier = languages.identifier
    left join lifetimes on areas.local_date = lifetimes.local_date
    where
        areas.event is not null
        and areas.response_codes not like '%AllClear%'
        and case
            when languages.has_vietnamese = 1 then areas.language like 'vi%' else areas.language = languages.first_language
        end

)

select * from final
