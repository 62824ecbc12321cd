-- A commune shows the figures of its own People's Committee; the other agencies sit close together and are in the ranking alone.
with communes as (

    {{ commune_shapes() }}

),

months as (

    select months.*, agencies.commune_code
    from {{ ref('dossier_agency_months') }} as months
    inner join {{ ref('agencies') }} as agencies on months.agency_code = agencies.agency_code
    where months.is_latest and agencies.agency_group = '{{ var('commune_agency_group') }}'

),

final as (

    select
        communes.*,
        months.agency_name,
        months.month_date,
        months.received_total,
        months.due_total,
        months.on_time_of_due_percent,
        months.in_progress_overdue
    from communes
    left join months on communes.commune_code = months.commune_code

)

select * from final
