{{ config(materialized='incremental', unique_key=['station_id', 'parameter_code', 'averaging', 'local_date'], on_schema_change='fail') }}

{%- set built = built_version() %}
{%- set station_hours = ref('int_station_hours') %}
{%- set hours_of_8 = 8 * var('valid_hour_share') %}
{%- set hours_of_day = 24 * var('valid_hour_share') %}

-- Means over 1, 8 and 24 hours, of what is judged so: by QCVN 05 where it has a limit, by VN_AQI where it has breakpoints. A mean needs 75 % of its
-- hours; a window of 8 hours belongs to the day in which it ends. A day that still runs is kept as unfinished, and judged again until it has ended.
with touched_hours as (

    select station_id, parameter_code, {{ local_date('hour_at') }} as local_date
    from {{ station_hours }}
    where _source_version > {{ built }}

),

-- The windows of 8 hours that hold an hour end on its day or the next.
touched_days as (

    select station_id, parameter_code, local_date from touched_hours
    union
    select station_id, parameter_code, {{ days_after('local_date', 1) }} as local_date from touched_hours
    {%- if is_incremental() %}
    union
    select station_id, parameter_code, local_date
    from {{ this }}
    where not is_finished
    {%- endif %}

),

station_hours as (

    select
        station_hours.station_id,
        station_hours.parameter_code,
        station_hours.hour_at,
        {{ local_date('station_hours.hour_at') }} as local_date,
        station_hours.mean_value,
        station_hours._source_version
    from {{ station_hours }} as station_hours
    inner join {{ ref('stations') }} as stations on station_hours.station_id = stations.station_id
    where
        stations.kind = 'air'
        and station_hours.is_valid
    {%- if is_incremental() %}
        and station_hours.hour_at >= {{ start_of_local_day(literal_of(
            'select min(local_date) from (select ' ~ local_date('hour_at') ~ ' as local_date from ' ~ station_hours
            ~ ' where _source_version > ' ~ built ~ ' union all select local_date from ' ~ this ~ ' where not is_finished) as days',
            'date', '9999-12-31')) }} - interval '8' hour
    {%- endif %}

),

windows as (

    select
        station_id,
        parameter_code,
        hour_at,
        local_date,
        mean_value as value_1h,
        case
            when count(*) over last_8_hours >= {{ hours_of_8 }}
                then {{ six_decimals('avg(mean_value) over last_8_hours') }}
        end as value_8h,
        _source_version
    from station_hours
    window last_8_hours as (
        partition by station_id, parameter_code
        order by hour_at range between interval '7' hour preceding and current row
    )

),

indexed as (

    select distinct parameter_code, averaging from {{ ref('vn_aqi_breakpoints') }}

),

values_judged as (

    select station_id, parameter_code, '1h' as averaging, local_date, value_1h as value, _source_version from windows
    union all
    select station_id, parameter_code, '8h' as averaging, local_date, value_8h as value, _source_version from windows
    union all
    select
        station_id,
        parameter_code,
        '24h' as averaging,
        local_date,
        case when count(*) >= {{ hours_of_day }} then {{ six_decimals('avg(value_1h)') }} end as value,
        max(_source_version) as _source_version
    from windows
    group by station_id, parameter_code, local_date

),

limits as (

    select key, local_date, hi as limit_value
    from ({{ thresholds_in_force("thresholds.key like 'limit.%' and thresholds.level = 'limit'", 'values_judged') }}) as in_force

),

final as (

    select
        values_judged.station_id,
        values_judged.parameter_code,
        values_judged.averaging,
        values_judged.local_date,
        {{ six_decimals('max(values_judged.value)') }} as highest_value,
        count(values_judged.value) as judged_periods,
        max(limits.limit_value) as limit_value,
        case when max(limits.limit_value) is not null then count(*) filter (where values_judged.value > limits.limit_value) end as over_periods,
        {{ start_of_local_day(days_after('values_judged.local_date', 1)) }} <= {{ clock() }} as is_finished,
        max(values_judged._source_version) as _source_version
    from values_judged
    inner join touched_days
        on values_judged.station_id = touched_days.station_id
        and values_judged.parameter_code = touched_days.parameter_code
        and values_judged.local_date = touched_days.local_date
    left join indexed
        on values_judged.parameter_code = indexed.parameter_code
        and values_judged.averaging = indexed.averaging
    left join limits
        on limits.key = 'limit.' || values_judged.parameter_code || '.' || values_judged.averaging
        and values_judged.local_date = limits.local_date
    where indexed.averaging is not null or limits.limit_value is not null
    group by values_judged.station_id, values_judged.parameter_code, values_judged.averaging, values_judged.local_date

)

select * from final
