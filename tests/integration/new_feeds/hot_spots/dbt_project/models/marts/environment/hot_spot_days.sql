with spots as (

    select * from {{ ref('stg_environment__hot_spots') }}

),

final as (

    select
        commune_code,
        {{ local_date('seen_at') }} as local_date,
        cast(count(*) as bigint) as spots,
        max(power_mw) as strongest_mw,
        max(seen_at) as last_seen_at,
        max(_source_version) as source_version
    from spots
    group by commune_code, {{ local_date('seen_at') }}

)

select * from final
