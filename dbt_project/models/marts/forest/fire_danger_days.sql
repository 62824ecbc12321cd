-- P is the sum of temperature times saturation deficit over the days since the last wetting rain, with which it begins at 0 (Nesterov's index as Phạm
-- Ngọc Hưng wrote it). One day that is not known makes it unknown until the next wetting rain, and so it is before the first one.
with observations as (

    select *, {{ local_date('observed_at') }} as local_date from {{ ref('stg_forest__weather') }}

),

communes as (

    select * from {{ ref('communes') }}

),

days as (

    {{ days_of('select local_date from observations', '(select max(local_date) from observations)') }}

),

cut_offs as (

    {{ thresholds_in_force("thresholds.domain = 'forest' and thresholds.key = 'wetting_rain'", 'days') }}

),

levels as (

    select * from {{ ref('fire_danger_levels') }}

),

feeds as (

    select * from {{ ref('feeds') }}
    where feed = 'forest.weather'

),

observed as (

    select
        communes.commune_code,
        communes.commune_name,
        days.local_date,
        observations.observed_at,
        observations.temperature_c,
        observations.humidity_percent,
        observations.rain_mm,
        6.112e0 * exp(17.62e0 * observations.temperature_c / (243.12e0 + observations.temperature_c))
        * (1e0 - 0.01e0 * observations.humidity_percent) as deficit_hpa,
        observations.rain_mm >= cut_offs.lo as is_wetting,
        observations._source_version
    from communes
    cross join days
    inner join cut_offs on days.local_date = cut_offs.local_date
    left join observations
        on communes.commune_code = observations.commune_code
        and days.local_date = observations.local_date

),

-- A spell begins with a wetting rain; the first one, number 0, with no rain that we know of. A day from before the history has no neighbours listed.
spells as (

    select
        *,
        count(case when is_wetting then 1 end) over (partition by commune_code order by local_date) as spell_number,
        case when is_wetting then 0e0 when not is_wetting then temperature_c * deficit_hpa end as contribution
    from observed

),

summed as (

    select
        *,
        sum(contribution) over spell as contributions,
        count(contribution) over spell as known_days,
        {{ days_between('min(local_date) over spell', 'local_date') }} as dry_days
    from spells
    window spell as (partition by commune_code, spell_number order by local_date)

),

indexed as (

    select
        *,
        case when spell_number > 0 and known_days = dry_days + 1 then {{ six_decimals('contributions') }} end as fire_index
    from summed

),

final as (

    select
        indexed.commune_code,
        indexed.commune_name,
        indexed.local_date,
        indexed.local_date = max(indexed.local_date) over () as is_latest,
        {{ minutes_after(start_of_local_day('indexed.local_date'), 'feeds.freshness_limit_minutes') }} as current_until_at,
        indexed.temperature_c,
        indexed.humidity_percent,
        indexed.rain_mm,
        {{ six_decimals('indexed.deficit_hpa') }} as deficit_hpa,
        indexed.is_wetting,
        case when indexed.fire_index is not null then cast(indexed.dry_days as bigint) end as dry_days,
        indexed.fire_index,
        levels.level_number,
        levels.level_code,
        levels.label_vi as level_label,
        levels.alert_code,
        case
            when indexed.fire_index is not null then null
            when indexed.spell_number = 0 then 'Chưa biết trận mưa đủ ướt gần nhất'
            else 'Thiếu thời tiết của ít nhất một ngày kể từ trận mưa đủ ướt gần nhất'
        end as unknown_reason,
        indexed.observed_at,
        coalesce(indexed._source_version, 0) as source_version
    from indexed
    cross join feeds
    left join levels
        on (levels.above_p is null or indexed.fire_index > levels.above_p)
        and (levels.up_to_p is null or indexed.fire_index <= levels.up_to_p)
        and indexed.fire_index is not null

)

select * from final
