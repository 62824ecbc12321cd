-- Kinds that concern persons are left out: a total with them, less the kinds that are shown, would tell what is hidden.
with communes as (

    {{ commune_shapes() }}

),

months as (

    select
        commune_code,
        month_date,
        cast(sum(incidents) as bigint) as incidents,
        cast(sum(judged_incidents) as bigint) as judged_incidents,
        cast(sum(handled_incidents) as bigint) as handled_incidents
    from {{ ref('incident_commune_months') }}
    where is_latest and not concerns_persons
    group by commune_code, month_date

),

final as (

    select
        communes.*,
        months.month_date,
        months.incidents,
        months.judged_incidents,
        months.handled_incidents,
        100e0 * months.handled_incidents / nullif(months.judged_incidents, 0) as handled_percent
    from communes
    left join months on communes.commune_code = months.commune_code

)

select * from final
