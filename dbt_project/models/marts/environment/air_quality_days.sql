{%- set hours_of_day = 24 * var('valid_hour_share') %}

-- Decision 1459/QĐ-TCMT, daily: particles by the mean of 24 hours, O3 by the worse of its highest hour and its highest 8 hours (not above 400),
-- the other gases by their highest hour. A highest value needs 75 % of the day's values, as a mean does (practice, unverified).
with periods as (

    select
        *,
        averaging = '24h' or judged_periods >= {{ hours_of_day }} as is_enough
    from {{ ref('int_air_periods') }}
    where is_finished

),

breakpoints as (

    select * from {{ ref('vn_aqi_breakpoints') }}

),

bands as (

    select * from {{ ref('vn_aqi_bands') }}

),

stations as (

    select * from {{ ref('stations') }}

),

communes as (

    select * from {{ ref('communes') }}

),

judged_parameters as (

    select distinct parameter_code, averaging from breakpoints

),

sub_indices as (

    select
        periods.station_id,
        periods.local_date,
        periods.parameter_code,
        periods.averaging,
        periods.judged_periods,
        case when periods.is_enough then periods.highest_value end as concentration,
        case when periods.is_enough then {{ vn_aqi_sub_index('periods.highest_value', 'breakpoints') }} end as sub_index,
        periods._source_version
    from periods
    inner join judged_parameters
        on periods.parameter_code = judged_parameters.parameter_code
        and periods.averaging = judged_parameters.averaging
    left join breakpoints
        on periods.parameter_code = breakpoints.parameter_code
        and periods.averaging = breakpoints.averaging
        and periods.highest_value >= breakpoints.concentration_low
        and (
            periods.highest_value < breakpoints.concentration_high
            or breakpoints.index_high = 500
            or periods.averaging = '8h' and periods.highest_value = breakpoints.concentration_high
        )

),

ranked as (

    select
        *,
        row_number() over (
            partition by station_id, local_date
            order by sub_index desc nulls last, parameter_code, averaging
        ) as badness_rank
    from sub_indices

),

judged as (

    select
        station_id,
        local_date,
        max(concentration) filter (where parameter_code = 'PM2.5') as pm2_5_24h_ug_m3,
        max(concentration) filter (where parameter_code = 'PM10') as pm10_24h_ug_m3,
        max(concentration) filter (where parameter_code = 'O3' and averaging = '1h') as o3_1h_ug_m3,
        max(concentration) filter (where parameter_code = 'O3' and averaging = '8h') as o3_8h_ug_m3,
        max(concentration) filter (where parameter_code = 'NO2') as no2_1h_ug_m3,
        max(concentration) filter (where parameter_code = 'SO2') as so2_1h_ug_m3,
        max(concentration) filter (where parameter_code = 'CO') as co_1h_ug_m3,
        {{ vn_aqi_figures() }},
        count(distinct parameter_code) filter (where sub_index is not null) as judged_parameters,
        max(_source_version) as source_version
    from ranked
    group by station_id, local_date

),

final as (

    select
        judged.station_id,
        stations.station_name,
        stations.commune_code,
        communes.commune_name,
        judged.local_date,
        judged.local_date = max(judged.local_date) over () as is_latest,
        judged.pm2_5_24h_ug_m3,
        judged.pm10_24h_ug_m3,
        judged.o3_1h_ug_m3,
        judged.o3_8h_ug_m3,
        judged.no2_1h_ug_m3,
        judged.so2_1h_ug_m3,
        judged.co_1h_ug_m3,
        judged.pm2_5_aqi,
        judged.pm10_aqi,
        judged.o3_aqi,
        judged.no2_aqi,
        judged.so2_aqi,
        judged.co_aqi,
        judged.vn_aqi,
        bands.band_code,
        bands.label_vi as band_label,
        bands.colour as band_colour,
        judged.dominant_parameter_code,
        judged.judged_parameters,
        judged.source_version
    from judged
    inner join stations on judged.station_id = stations.station_id
    left join communes on stations.commune_code = communes.commune_code
    left join bands on judged.vn_aqi >= bands.index_low and judged.vn_aqi <= bands.index_high

)

select * from final
