with counts as (

    select * from {{ ref('stg_parking__counts') }}

),

final as (

    select
        counter_id,
        date_trunc('hour', counted_at) as hour_at,
        cast(sum(vehicle_count) as bigint) as vehicles,
        cast(count(*) as bigint) as counts,
        {{ weighted_mean('speed_km_h', 'vehicle_count') }} as mean_speed_km_h,
        max(_source_version) as source_version
    from counts
    group by counter_id, date_trunc('hour', counted_at)

)

select * from final
