-- The days tell the total of all kinds, and so that of the kinds which concern persons: of these a kind with few incidents is hidden with the next
-- larger ones, and all of them where they are few together.
with incidents as (

    select * from {{ ref('int_security_incidents_judged') }}

),

months as (

    select distinct month_date from incidents

),

counted as (

    select
        months.month_date,
        kinds.kind_code,
        kinds.label_vi as kind_name,
        kinds.concerns_persons,
        count(incidents.incident_id) as incidents,
        count(incidents.is_handled) as judged_incidents,
        count(case when incidents.is_handled then 1 end) as handled_incidents,
        count(incidents.response_minutes) as known_responses,
        {{ percentile(0.5, 'incidents.response_minutes') }} as median_response_minutes
    from months
    cross join {{ ref('incident_kinds') }} as kinds
    left join incidents on months.month_date = incidents.month_date and kinds.kind_code = incidents.kind_code
    group by months.month_date, kinds.kind_code, kinds.label_vi, kinds.concerns_persons

),

of_persons as (

    select
        *,
        case when concerns_persons then incidents end as person_incidents
    from counted

),

judged as (

    select
        *,
        concerns_persons
        and (
            {{ is_small_cell('person_incidents', 'month_date', 'kind_code') }}
            or sum(person_incidents) over (partition by month_date) between 1 and {{ var('least_cell') }} - 1
        ) as is_small_cell
    from of_persons

),

final as (

    select
        month_date,
        month_date = max(month_date) over () as is_latest,
        kind_code,
        kind_name,
        concerns_persons,
        is_small_cell,
        case when not is_small_cell then incidents end as incidents,
        case when not is_small_cell then judged_incidents end as judged_incidents,
        case when not is_small_cell then handled_incidents end as handled_incidents,
        case when not is_small_cell then 100e0 * handled_incidents / nullif(judged_incidents, 0) end as handled_percent,
        case when not is_small_cell then known_responses end as known_responses,
        case when not is_small_cell then median_response_minutes end as median_response_minutes
    from judged

)

select * from final
