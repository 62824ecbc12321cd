with months as (

    select * from {{ ref('dossier_months') }} where is_latest

),

dossiers as (

    select
        cast(count(case when is_overdue then 1 end) as double) as overdue,
        max(last_changed_at) as last_changed_at
    from {{ ref('dossiers') }}
    having count(*) > 0

),

figures as (

    select
        'dossiers_on_time' as headline_id,
        months.on_time_percent as value,
        months.on_time_percent_last_month as value_before,
        dossiers.last_changed_at as newest_event_at,
        cast(null as {{ instant_type() }}) as current_until_at
    from dossiers
    cross join months
    union all
    select
        'dossiers_online' as headline_id,
        months.online_percent as value,
        months.online_percent_last_month as value_before,
        dossiers.last_changed_at as newest_event_at,
        null as current_until_at
    from dossiers
    cross join months
    union all
    select
        'dossiers_overdue' as headline_id,
        overdue as value,
        null as value_before,
        last_changed_at as newest_event_at,
        null as current_until_at
    from dossiers

),

final as (

    {{ headlines('public_services') }}

)

select * from final
