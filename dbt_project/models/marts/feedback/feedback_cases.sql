{{ config(materialized='incremental', unique_key='service_request_id', on_schema_change='fail') }}

{%- set built = built_version('source_version') %}

-- A case that was closed before it was sent has a clock that is wrong: when it was closed is not known.
with requests as (

    select
        *,
        case when closed_at >= requested_at then closed_at end as known_closed_at,
        case when closed_by_at >= requested_at then closed_by_at end as known_closed_by_at,
        not is_closed and coalesce(expected_at < {{ clock() }}, false) as is_overdue
    from {{ ref('int_feedback_requests_current') }}

),

overdue_ages as (

    select
        label_vi,
        24 * from_days as from_hours,
        24 * lead(from_days) over (order by from_days) as below_hours
    from {{ ref('overdue_ages') }}

),

aged_requests as (

    select requests.*, overdue_ages.label_vi as overdue_age_label
    from requests
    left join overdue_ages
        on requests.is_overdue
        and {{ hours_between('requests.expected_at', clock()) }} >= overdue_ages.from_hours
        and ({{ hours_between('requests.expected_at', clock()) }} < overdue_ages.below_hours or overdue_ages.below_hours is null)

),

-- A case changes with a new version, and with the clock: its deadline passes, and then it grows older.
changed_requests as (

    select requests.*
    from aged_requests as requests
    {%- if is_incremental() %}
    left join {{ this }} as built_cases on requests.service_request_id = built_cases.service_request_id
    where
        requests._source_version > {{ built }}
        or requests.is_overdue is distinct from built_cases.is_overdue
        or requests.overdue_age_label is distinct from built_cases.overdue_age_label
    {%- endif %}

),

agencies as (

    select * from {{ ref('agencies') }}

),

communes as (

    select * from {{ ref('communes') }}

),

topics as (

    select * from {{ ref('feedback_topics') }}

),

statuses as (

    select * from {{ ref('feedback_statuses') }}

),

final as (

    select
        requests.service_request_id,
        requests.agency_code,
        agencies.agency_name,
        agencies.agency_group,
        requests.service_code,
        coalesce(topics.service_name, requests.service_name, requests.service_code) as service_name,
        requests.commune_code,
        communes.commune_name,
        requests.latitude,
        requests.longitude,
        requests.flow_code,
        requests.channel_code,
        requests.status_code,
        statuses.label_vi as status_label,
        requests.requested_at,
        {{ local_date('requests.requested_at') }} as requested_date,
        requests.version_at as last_changed_at,
        requests.expected_at,
        requests.known_closed_at as closed_at,
        {{ local_date('requests.known_closed_at') }} as closed_date,
        requests.known_closed_by_at as closed_by_at,
        requests.is_closed,
        statuses.is_within_competence,
        requests.is_closed and statuses.is_within_competence as is_handled,
        case
            when not statuses.is_within_competence then null
            when requests.known_closed_by_at <= requests.expected_at then true
            when requests.known_closed_at > requests.expected_at then false
        end as is_on_time,
        requests.is_overdue,
        requests.overdue_age_label,
        {{ hours_between('requests.requested_at', 'requests.known_closed_at') }} as hours_to_close,
        requests.satisfaction_rating,
        requests.satisfaction_rating >= {{ var('satisfied_from_rating') }} as is_satisfied,
        requests.reassignment_count,
        requests.version_count,
        requests._source_version as source_version
    from changed_requests as requests
    inner join agencies on requests.agency_code = agencies.agency_code
    inner join statuses on requests.status_code = statuses.status_code
    left join communes on requests.commune_code = communes.commune_code
    left join topics on requests.service_code = topics.service_code

)

select * from final
