-- Of a kind that concerns persons a commune with few incidents is hidden with the next larger ones, since `incident_kind_months` tells the total;
-- where it hides the total, every commune is hidden.
with incidents as (

    select * from {{ ref('int_security_incidents_judged') }}

),

communes as (

    select * from {{ ref('communes') }}

),

kind_months as (

    select * from {{ ref('incident_kind_months') }}

),

counted as (

    select
        communes.commune_code,
        communes.commune_name,
        kind_months.month_date,
        kind_months.is_latest,
        kind_months.kind_code,
        kind_months.kind_name,
        kind_months.concerns_persons,
        kind_months.is_small_cell as is_small_kind,
        count(incidents.incident_id) as incidents,
        count(incidents.is_handled) as judged_incidents,
        count(case when incidents.is_handled then 1 end) as handled_incidents
    from communes
    cross join kind_months
    left join incidents
        on communes.commune_code = incidents.commune_code
        and kind_months.month_date = incidents.month_date
        and kind_months.kind_code = incidents.kind_code
    group by
        communes.commune_code,
        communes.commune_name,
        kind_months.month_date,
        kind_months.is_latest,
        kind_months.kind_code,
        kind_months.kind_name,
        kind_months.concerns_persons,
        kind_months.is_small_cell

),

judged as (

    select
        *,
        concerns_persons
        and (is_small_kind or {{ is_small_cell('incidents', 'month_date, kind_code', 'commune_code') }}) as is_small_cell
    from counted

),

final as (

    select
        commune_code,
        commune_name,
        month_date,
        is_latest,
        kind_code,
        kind_name,
        concerns_persons,
        is_small_cell,
        case when not is_small_cell then incidents end as incidents,
        case when not concerns_persons then judged_incidents end as judged_incidents,
        case when not concerns_persons then handled_incidents end as handled_incidents
    from judged

)

select * from final
