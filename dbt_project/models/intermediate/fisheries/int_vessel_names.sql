{{ config(materialized='incremental', unique_key='vessel_key', on_schema_change='fail') }}

{%- set built = built_version() %}

-- What a vessel last called itself, by arrival: AIS tells it in messages that carry no position, and class B in two halves, the name and the rest.
-- What a message does not tell wipes nothing.
with told as (

    select
        'vms:' || vessel_id as vessel_key,
        vessel_name,
        call_sign,
        cast(null as varchar) as ship_type_code,
        _delivery_id,
        _position,
        _source_version
    from {{ ref('stg_fisheries__vms_positions') }}
    where _source_version > {{ built }} and (vessel_name is not null or call_sign is not null)
    union all
    select
        'ais:' || mmsi as vessel_key,
        vessel_name,
        call_sign,
        ship_type_code,
        _delivery_id,
        _position,
        _source_version
    from {{ ref('stg_fisheries__ais_messages') }}
    where
        _source_version > {{ built }}
        and (vessel_name is not null or call_sign is not null or ship_type_code is not null)
    {%- if is_incremental() %}
    union all
    select
        vessel_key,
        vessel_name,
        call_sign,
        ship_type_code,
        '' as _delivery_id,
        0 as _position,
        _source_version
    from {{ this }}
    {%- endif %}

),

ranked as (

    select
        *,
        row_number() over (partition by vessel_key order by _source_version, _delivery_id, _position) as arrival
    from told

),

final as (

    select
        vessel_key,
        {{ value_at_greatest('vessel_name', 'arrival') }} as vessel_name,
        {{ value_at_greatest('call_sign', 'arrival') }} as call_sign,
        {{ value_at_greatest('ship_type_code', 'arrival') }} as ship_type_code,
        max(_source_version) as _source_version
    from ranked
    group by vessel_key

)

select * from final
