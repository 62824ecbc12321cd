{{ config(materialized='incremental', unique_key='service_request_id', on_schema_change='fail') }}

{%- set built = built_version() %}

with versions as (

    select requests.*, statuses.is_closed
    from {{ ref('stg_feedback__requests') }} as requests
    inner join {{ ref('feedback_statuses') }} as statuses on requests.status_code = statuses.status_code
    {%- if is_incremental() %}
    where requests.service_request_id in (
        select service_request_id from {{ ref('stg_feedback__requests') }} where _source_version > {{ built }}
    )
    {%- endif %}

),

with_former as (

    select
        *,
        lag(satisfaction_rating) over (partition by service_request_id order by version_at) as rating_before,
        lag(agency_code) over (partition by service_request_id order by version_at) as agency_before
    from versions

),

ordered as (

    select
        *,
        row_number() over (partition by service_request_id order by version_at desc) as newness,
        count(*) over (partition by service_request_id) as version_count,
        max(case when not is_closed then version_at end) over (partition by service_request_id) as last_open_at,
        count(case when agency_code <> agency_before then 1 end) over (partition by service_request_id) as reassignment_count,
        max(_source_version) over (partition by service_request_id) as newest_source_version
    from with_former

),

-- A citizen rates what was closed before: where the first closed version that is known brings a rating, the one that closed it is not known.
closings as (

    select
        service_request_id,
        min(version_at) as closed_by_at,
        {{ value_at_least('satisfaction_rating is not null and satisfaction_rating is distinct from rating_before', 'version_at') }} as is_rating
    from ordered
    where is_closed and (last_open_at is null or version_at > last_open_at)
    group by service_request_id

),

final as (

    select
        ordered.service_request_id,
        ordered.version_at,
        ordered.status_code,
        ordered.is_closed,
        case when not closings.is_rating then closings.closed_by_at end as closed_at,
        closings.closed_by_at,
        ordered.service_code,
        ordered.service_name,
        ordered.agency_code,
        ordered.commune_code,
        ordered.requested_at,
        ordered.expected_at,
        ordered.latitude,
        ordered.longitude,
        ordered.flow_code,
        ordered.channel_code,
        ordered.satisfaction_rating,
        ordered.reassignment_count,
        ordered.version_count,
        ordered.newest_source_version as _source_version
    from ordered
    left join closings on ordered.service_request_id = closings.service_request_id
    where ordered.newness = 1

)

select * from final
