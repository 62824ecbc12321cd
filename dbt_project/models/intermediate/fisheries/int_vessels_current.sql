{{ config(materialized='table') }}

with versions as (

    select
        *,
        row_number() over (partition by vessel_id order by listed_at desc) as newness
    from {{ ref('stg_fisheries__vessels') }}

),

final as (

    select
        vessel_id,
        listed_at,
        vessel_name,
        mmsi,
        call_sign,
        length_m,
        power_kw,
        gear,
        province_code,
        commune_code,
        licence_number,
        licence_expires_date,
        operator_code
    from versions
    where newness = 1

)

select * from final
