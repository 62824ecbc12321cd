-- A value counts where its channel told it to be good. The rise is over about an hour, as that of rivers.
with readings as (

    select
        channels.reservoir_id,
        source.measured_at,
        max(case when channels.quantity_code = 'WL_TL' and source.channel_status = 1 then source.value end) as upstream_level_m,
        max(case when channels.quantity_code = 'WL_HL' and source.channel_status = 1 then source.value end) as downstream_level_m,
        max(case when channels.quantity_code = 'QDEN' and source.channel_status = 1 then source.value end) as inflow_m3_per_second,
        max(case when channels.quantity_code = 'QXA' and source.channel_status = 1 then source.value end) as discharge_m3_per_second
    from {{ ref('stg_water__reservoirs') }} as source
    inner join {{ ref('reservoir_channels') }} as channels on source.channel_id = channels.channel_id
    group by channels.reservoir_id, source.measured_at

),

earlier as (

    select
        readings.reservoir_id,
        readings.measured_at,
        max(before.measured_at) as earlier_at,
        {{ value_at_greatest('before.upstream_level_m', 'before.measured_at') }} as earlier_level_m
    from readings
    inner join readings as before
        on readings.reservoir_id = before.reservoir_id
        and before.measured_at <= readings.measured_at - interval '1' hour
        and before.measured_at >= readings.measured_at - interval '2' hour
    where before.upstream_level_m is not null
    group by readings.reservoir_id, readings.measured_at

),

communes as (

    select * from {{ ref('communes') }}

),

feeds as (

    select * from {{ ref('feeds') }}
    where feed = 'water.reservoirs'

),

judged as (

    select
        readings.*,
        reservoirs.reservoir_name,
        reservoirs.commune_code,
        reservoirs.latitude,
        reservoirs.longitude,
        reservoirs.spillway_kind,
        reservoirs.normal_level_m,
        reservoirs.sill_level_m,
        100e0 * (readings.upstream_level_m - reservoirs.dead_level_m)
        / nullif(reservoirs.normal_level_m - reservoirs.dead_level_m, 0) as fill_percent,
        readings.upstream_level_m > reservoirs.sill_level_m as is_spilling,
        readings.upstream_level_m - reservoirs.sill_level_m as above_sill_m,
        case
            when readings.upstream_level_m > reservoirs.check_flood_level_m then 'Trên mực nước lũ kiểm tra'
            when readings.upstream_level_m > reservoirs.design_flood_level_m then 'Trên mực nước lũ thiết kế'
            when readings.upstream_level_m > reservoirs.normal_level_m then 'Trên mực nước dâng bình thường'
            when readings.upstream_level_m > reservoirs.dead_level_m then 'Bình thường'
            when readings.upstream_level_m <= reservoirs.dead_level_m then 'Dưới mực nước chết'
        end as stage_label,
        100e0 * (readings.upstream_level_m - earlier.earlier_level_m)
        / ({{ hours_between('earlier.earlier_at', 'readings.measured_at') }}) as rise_cm_per_hour
    from readings
    inner join {{ ref('reservoirs') }} as reservoirs on readings.reservoir_id = reservoirs.reservoir_id
    left join earlier on readings.reservoir_id = earlier.reservoir_id and readings.measured_at = earlier.measured_at

),

final as (

    select
        judged.reservoir_id,
        judged.reservoir_name,
        judged.commune_code,
        communes.commune_name,
        judged.latitude,
        judged.longitude,
        judged.spillway_kind,
        judged.measured_at,
        {{ local_date('judged.measured_at') }} as local_date,
        judged.measured_at = max(judged.measured_at) over (partition by judged.reservoir_id) as is_latest,
        {{ minutes_after('judged.measured_at', 'feeds.freshness_limit_minutes') }} as current_until_at,
        judged.upstream_level_m,
        judged.downstream_level_m,
        judged.inflow_m3_per_second,
        judged.discharge_m3_per_second,
        judged.normal_level_m,
        judged.sill_level_m,
        {{ six_decimals('judged.fill_percent') }} as fill_percent,
        judged.is_spilling,
        {{ six_decimals('judged.above_sill_m') }} as above_sill_m,
        judged.stage_label,
        {{ six_decimals('judged.rise_cm_per_hour') }} as rise_cm_per_hour,
        case
            when not judged.is_spilling and judged.rise_cm_per_hour > 0
                then {{ six_decimals('100e0 * (judged.sill_level_m - judged.upstream_level_m) / judged.rise_cm_per_hour') }}
        end as hours_to_sill
    from judged
    cross join feeds
    left join communes on judged.commune_code = communes.commune_code

)

select * from final
