{{ config(materialized='view', database='memory', schema='staging') }}

-- An incident belongs to the day on which it was reported: when it happened is not always known.
with incidents as (

    select
        *,
        {{ local_date('reported_at') }} as local_date
    from {{ ref('int_security__incidents_current') }}

),

kinds as (

    select * from {{ ref('incident_kinds') }}

),

limits as (

    select in_force.local_date, in_force.lo as serious_from
    from ({{ thresholds_in_force("thresholds.domain = 'security' and thresholds.key = 'serious_severity'", 'incidents') }}) as in_force

),

final as (

    select
        incidents.incident_id,
        incidents.updated_at,
        incidents.local_date,
        {{ month_of('incidents.local_date') }} as month_date,
        incidents.kind_code,
        kinds.concerns_persons,
        incidents.commune_code,
        incidents.severity >= limits.serious_from as is_serious,
        incidents.status_code = 'da_xu_ly' as is_handled,
        60e0 * {{ hours_between('incidents.reported_at', 'incidents.first_response_at') }} as response_minutes
    from incidents
    inner join kinds on incidents.kind_code = kinds.kind_code
    left join limits on incidents.local_date = limits.local_date

)

select * from final
