-- A class is of a month that is over, from the mean of at least 75 % of its hours (practice, unverified). The first class that fits is the best.
with station_hours as (

    select
        *,
        {{ month_of(local_date('hour_at')) }} as month_date
    from {{ ref('int_station_hours') }}

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

classes as (

    select * from {{ ref('water_classes') }}

),

classed as (

    select distinct parameter_code from classes

),

months as (

    select
        station_hours.station_id,
        station_hours.parameter_code,
        station_hours.month_date,
        {{ six_decimals('avg(station_hours.mean_value) filter (where station_hours.is_valid)') }} as mean_value,
        count(*) filter (where station_hours.is_valid) as judged_hours,
        max(station_hours._source_version) as source_version
    from station_hours
    inner join stations on station_hours.station_id = stations.station_id
    inner join classed on station_hours.parameter_code = classed.parameter_code
    where stations.kind = 'water'
    group by station_hours.station_id, station_hours.parameter_code, station_hours.month_date

),

measured as (

    select
        *,
        cast(
            {{ hours_between(start_of_local_day('month_date'), start_of_local_day("month_date + interval '1' month")) }} as integer
        ) as expected_hours,
        {{ start_of_local_day("month_date + interval '1' month") }} <= {{ clock() }} as is_finished
    from months

),

fitting as (

    select measured.station_id, measured.parameter_code, measured.month_date, min(classes.water_class) as water_class
    from measured
    inner join classes
        on measured.parameter_code = classes.parameter_code
        and (classes.lowest_value is null or measured.mean_value >= classes.lowest_value)
        and (classes.highest_value is null or measured.mean_value <= classes.highest_value)
    group by measured.station_id, measured.parameter_code, measured.month_date

),

judged as (

    select
        measured.*,
        case
            when measured.is_finished and measured.judged_hours >= {{ var('valid_hour_share') }} * measured.expected_hours
                then coalesce(fitting.water_class, 'D')
        end as water_class
    from measured
    left join fitting
        on measured.station_id = fitting.station_id
        and measured.parameter_code = fitting.parameter_code
        and measured.month_date = fitting.month_date

),

final as (

    select
        judged.station_id,
        stations.station_name,
        stations.commune_code,
        communes.commune_name,
        judged.parameter_code,
        parameters.label_vi as parameter_label,
        judged.month_date,
        judged.is_finished,
        judged.mean_value,
        parameters.reference_unit as unit,
        judged.judged_hours,
        judged.expected_hours,
        100e0 * judged.judged_hours / judged.expected_hours as capture_percent,
        judged.water_class,
        max(judged.water_class) over (partition by judged.station_id, judged.month_date) as station_class,
        count(judged.water_class) over (partition by judged.station_id, judged.month_date) as classed_parameters,
        judged.source_version
    from judged
    inner join stations on judged.station_id = stations.station_id
    inner join parameters on judged.parameter_code = parameters.parameter_code
    left join communes on stations.commune_code = communes.commune_code

)

select * from final
