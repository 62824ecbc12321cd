-- All kinds together: what a day tells of a kind that concerns persons would be few.
with counted as (

    select
        local_date,
        count(*) as incidents,
        count(case when is_serious then 1 end) as serious_incidents,
        count(is_handled) as judged_incidents,
        count(case when is_handled then 1 end) as handled_incidents,
        count(response_minutes) as known_responses,
        {{ percentile(0.5, 'response_minutes') }} as median_response_minutes,
        max(updated_at) as newest_update_at
    from {{ ref('int_security_incidents_judged') }}
    group by local_date

),

final as (

    select
        local_date,
        local_date = max(local_date) over () as is_latest,
        incidents,
        serious_incidents,
        judged_incidents,
        handled_incidents,
        100e0 * handled_incidents / nullif(judged_incidents, 0) as handled_percent,
        known_responses,
        median_response_minutes,
        newest_update_at
    from counted

)

select * from final
