with periods as (

    select * from {{ ref('int_air_periods') }}
    where is_finished and limit_value is not null

),

stations as (

    select * from {{ ref('stations') }}

),

communes as (

    select * from {{ ref('communes') }}

),

parameters as (

    select * from {{ ref('parameters') }}

),

final as (

    select
        periods.station_id,
        stations.station_name,
        stations.commune_code,
        communes.commune_name,
        periods.parameter_code,
        parameters.label_vi as parameter_label,
        periods.averaging,
        periods.local_date,
        periods.limit_value,
        case when periods.judged_periods > 0 then periods.highest_value end as highest_value,
        100e0 * periods.highest_value / nullif(periods.limit_value, 0) as share_of_limit_percent,
        periods.judged_periods,
        case when periods.judged_periods > 0 then periods.over_periods end as over_periods,
        case when periods.judged_periods > 0 then periods.over_periods > 0 end as is_over,
        periods._source_version as source_version
    from periods
    inner join stations on periods.station_id = stations.station_id
    inner join parameters on periods.parameter_code = parameters.parameter_code
    left join communes on stations.commune_code = communes.commune_code

)

select * from final
