{{ config(materialized='incremental', unique_key=['station_id', 'hour_at', 'parameter_code', 'averaging'], on_schema_change='fail') }}

{%- set built = built_version() %}
{%- set hours_back = var('nowcast_hours') - 1 %}
{%- set station_hours = ref('int_station_hours') %}

-- NowCast of Decision 1459/QĐ-TCMT: c1 is the newest of up to 12 hourly means, w = max(Cmin / Cmax, 1/2); above 1/2 the weighted
-- mean with weights w^(i-1), at 1/2 the sum of (1/2)^i c_i. A missing hour weighs nothing, which biases the second branch low:
-- that is the official text, and `is_short` says where it applies. Six decimals, so that the order of a sum leaves no trace. An hour that
-- still runs is no c1: it is kept as unfinished, and judged again until it has ended.
with station_hours as (

    select int_station_hours.*
    from {{ station_hours }} as int_station_hours
    inner join {{ ref('stations') }} as stations on int_station_hours.station_id = stations.station_id
    where stations.kind = 'air'
    {%- if is_incremental() %}
    and hour_at >= {{ literal_of(
        'select min(hour_at) from (select hour_at from ' ~ station_hours ~ ' where _source_version > ' ~ built
        ~ ' union all select hour_at from ' ~ this ~ ' where not is_finished) as hours',
        instant_type(), '9999-12-31 00:00:00+00:00') }} - interval '{{ hours_back }}' hour
    {%- endif %}

),

touched_hours as (

    select distinct station_id, hour_at
    from station_hours
    where _source_version > {{ built }}
    {%- if is_incremental() %}
    union
    select station_id, hour_at
    from {{ this }}
    where not is_finished
    {%- endif %}

),

affected_hours as (

    select distinct station_hours.station_id, station_hours.hour_at
    from station_hours
    inner join touched_hours
        on station_hours.station_id = touched_hours.station_id
        and station_hours.hour_at >= touched_hours.hour_at
        and station_hours.hour_at <= touched_hours.hour_at + interval '{{ hours_back }}' hour

),

particle_hours as (

    select
        affected_hours.station_id,
        affected_hours.hour_at,
        station_hours.parameter_code,
        case when station_hours.is_valid then station_hours.mean_value end as mean_value,
        cast({{ hours_between('station_hours.hour_at', 'affected_hours.hour_at') }} as integer) + 1 as age_rank,
        station_hours._source_version
    from affected_hours
    inner join station_hours
        on affected_hours.station_id = station_hours.station_id
        and station_hours.hour_at <= affected_hours.hour_at
        and station_hours.hour_at >= affected_hours.hour_at - interval '{{ hours_back }}' hour
    where station_hours.parameter_code in ('PM2.5', 'PM10')

),

particle_shares as (

    select
        *,
        coalesce(
            1e0 * min(mean_value) over (partition by station_id, hour_at, parameter_code)
            / nullif(max(mean_value) over (partition by station_id, hour_at, parameter_code), 0), 1
        ) as share_of_greatest
    from particle_hours

),

particle_weights as (

    select
        *,
        case when share_of_greatest > 0.5 then share_of_greatest else 0.5e0 end as weight
    from particle_shares

),

nowcasts as (

    select
        station_id,
        hour_at,
        parameter_code,
        max(mean_value) filter (where age_rank = 1) as mean_value,
        case
            when count(mean_value) filter (where age_rank <= 3) < 2 then null
            when max(weight) > 0.5
                then {{ six_decimals(
                    'sum(power(weight, age_rank - 1) * mean_value) / sum(power(weight, age_rank - 1)) filter (where mean_value is not null)'
                ) }}
            else {{ six_decimals('sum(power(0.5e0, age_rank) * mean_value)') }}
        end as concentration,
        count(mean_value) < {{ var('nowcast_hours') }} as is_short,
        max(_source_version) as _source_version
    from particle_weights
    group by station_id, hour_at, parameter_code

),

gases as (

    select
        station_id,
        hour_at,
        parameter_code,
        mean_value,
        _source_version
    from station_hours
    inner join affected_hours using (station_id, hour_at)
    where parameter_code in ('O3', 'NO2', 'SO2', 'CO') and is_valid

),

judged as (

    select
        station_id,
        hour_at,
        parameter_code,
        '24h' as averaging,
        mean_value,
        concentration,
        is_short,
        _source_version
    from nowcasts
    where mean_value is not null or concentration is not null
    union all
    select
        station_id,
        hour_at,
        parameter_code,
        '1h' as averaging,
        mean_value,
        mean_value as concentration,
        false as is_short,
        _source_version
    from gases

),

final as (

    select
        *,
        hour_at + interval '1' hour <= {{ clock() }} as is_finished
    from judged

)

select * from final
