-- Built anew each time: what is overdue moves with the clock.
with communes as (

    {{ commune_shapes() }}

),

months as (

    select * from {{ ref('feedback_commune_months') }}
    where is_latest

),

overdue_cases as (

    select * from {{ ref('feedback_cases') }}
    where is_overdue and latitude is not null and longitude is not null

),

final as (

    select
        communes.*,
        months.month_date,
        months.received_cases,
        months.due_cases,
        months.on_time_of_due_percent,
        months.overdue_cases,
        cast(null as varchar) as overdue_age_label
    from communes
    left join months on communes.commune_code = months.commune_code
    union all
    select
        {{ point_shape('case', 'service_request_id', 'service_name', 'commune_code', 'latitude', 'longitude', var('map_point_km')) }},
        {{ month_of('requested_date') }} as month_date,
        null as received_cases,
        null as due_cases,
        null as on_time_of_due_percent,
        null as overdue_cases,
        overdue_age_label
    from overdue_cases

)

select * from final
