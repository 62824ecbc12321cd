-- Built anew each time: what is overdue moves with the clock.
with cases as (

    select
        *,
        coalesce(commune_code, 'unknown') as place_code,
        {{ month_of('requested_date') }} as month_date
    from {{ ref('feedback_cases') }}

),

places as (

    select commune_code, commune_name, latitude, longitude from {{ ref('communes') }}
    union all
    select 'unknown' as commune_code, 'Chưa rõ xã, phường' as commune_name, null as latitude, null as longitude

),

months as (

    {{ months_to_now('select month_date as local_date from cases') }}

),

counted as (

    select
        place_code,
        month_date,
        {{ feedback_counts() }}
    from cases
    group by place_code, month_date

),

final as (

    select
        places.commune_code,
        places.commune_name,
        places.latitude,
        places.longitude,
        months.month_date,
        months.month_date = {{ month_of(local_date(clock())) }} as is_latest,
        {{ feedback_figures('counted') }}
    from places
    cross join months
    left join counted
        on places.commune_code = counted.place_code
        and months.month_date = counted.month_date

)

select * from final
