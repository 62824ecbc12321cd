-- A finding belongs to the commune that the register gave for its vessel on the day it began; a month counts from the first that anything was heard
-- in. The running month is not over, and says so.
with alerts as (

    select
        alerts.kind_code,
        registrations.commune_code,
        registrations.registration_number,
        {{ month_of('alerts.started_date') }} as month_date
    from {{ ref('vessel_alerts') }} as alerts
    inner join {{ ref('vessel_alert_kinds') }} as kinds
        on alerts.kind_code = kinds.kind_code
        and kinds.is_violation
    inner join {{ ref('int_vessel_registrations') }} as registrations
        on alerts.vessel_key = registrations.vessel_key
        and {{ was_registered_at('alerts.started_at') }}

),

counted as (

    select
        commune_code,
        month_date,
        kind_code,
        count(*) as violations,
        count(distinct registration_number) as violating_vessels
    from alerts
    group by commune_code, month_date, kind_code

),

months as (

    select distinct {{ month_of(local_date('fixed_at')) }} as month_date
    from {{ ref('int_vessel_tracks') }}
    where fixed_at >= {{ start_of_local_day(first_day_of_history()) }}
    union
    select month_date from counted

),

communes as (

    select commune_code, sum(vessels) as registered_vessels
    from (
        select commune_code, 1 as vessels from {{ ref('int_vessels_current') }}
        union all
        select commune_code, 0 as vessels from counted
    ) as known
    group by commune_code

),

final as (

    select
        communes.commune_code,
        names.commune_name,
        months.month_date,
        kinds.kind_code,
        kinds.label_vi as kind_label,
        cast(communes.registered_vessels as bigint) as registered_vessels,
        coalesce(counted.violations, 0) as violations,
        coalesce(counted.violating_vessels, 0) as violating_vessels,
        months.month_date = {{ month_of(local_date(clock())) }} as is_running
    from communes
    cross join months
    cross join {{ ref('vessel_alert_kinds') }} as kinds
    left join counted
        on communes.commune_code = counted.commune_code
        and months.month_date = counted.month_date
        and kinds.kind_code = counted.kind_code
    left join {{ ref('communes') }} as names
        on communes.commune_code = names.commune_code
    where kinds.is_violation

)

select * from final
