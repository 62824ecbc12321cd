{# The books of silver: accepted = current + superseded + cancelled. `cancelled` is a condition on a current row. #}
{% test every_accepted_version_is_current_superseded_or_cancelled(model, versions, key, version, cancelled='false') %}
with accepted as (

    select count(*) as records from {{ versions }}

),

doors as (

    select
        (select count(*) from {{ model }} where not ({{ cancelled }})) as current_records,
        (select count(*) from {{ model }} where {{ cancelled }}) as cancelled_records,
        count(*) as superseded_records
    from {{ versions }} as older
    inner join {{ model }} as newest
        on older.{{ key }} = newest.{{ key }}
        and older.{{ version }} < newest.{{ version }}

)

select *
from accepted
cross join doors
where accepted.records <> doors.current_records + doors.superseded_records + doors.cancelled_records
{% endtest %}

{# The books of bronze. #}
{% test received_is_accepted_plus_duplicate_plus_quarantined(model) %}
select * from {{ model }}
where received <> accepted + duplicate + quarantined or balance <> 0
{% endtest %}

{# The books of quarantine: what came in by loads and replays is open, or was taken out by a replay. #}
{% test quarantined_is_open_plus_replayed(model) %}
select * from {{ model }}
where quarantined + quarantined_again <> open + replayed
{% endtest %}

{% test pieces_are_received_plus_skipped(model) %}
select * from {{ model }}
where pieces <> received + skipped
{% endtest %}

{# Every slot that has ended is in one of three states, and the missing ones are named. #}
{% test expected_is_received_plus_awaited_plus_missing(model) %}
select * from {{ model }}
where
    expected_slots <> received_slots + awaited_slots + missing_slots
    or missing_slots <> coalesce({{ members_in('missing_starts') }}, 0)
{% endtest %}

{% test a_score_is_never_made_of_nothing(model) %}
select * from {{ model }}
where
    (score is null) <> (coalesce(correct, complete, clean, live, consistent) is null)
    or (level = 'unknown') <> (score is null)
{% endtest %}

{# Letter 4856/BCA-TTDLQG: what identifies a person, a body or a place is wholly right, or the level is red. #}
{% test an_identifier_is_at_100_or_red(model, percent) %}
select * from {{ model }}
where {{ percent }} < 100 and level <> 'red'
{% endtest %}

{% test every_level_below_green_says_why(model) %}
select * from {{ model }}
where (level in ('yellow', 'red')) <> (level_reason is not null)
{% endtest %}

{% test every_owner_stands_in_every_month(model) %}
select owners.owner, months.month_date
from (select distinct owner from {{ ref('feeds') }}) as owners
cross join (select distinct month_date from {{ model }}) as months
left join {{ model }} as listed
    on owners.owner = listed.owner
    and months.month_date = listed.month_date
where listed.owner is null
{% endtest %}

{% test vn_aqi_is_the_worst_sub_index(model) %}
select * from {{ model }}
where
    (vn_aqi is not null) <> (pm2_5_aqi is not null or pm10_aqi is not null)
    or vn_aqi <> {{ greatest_known('pm2_5_aqi', 'pm10_aqi', 'o3_aqi', 'no2_aqi', 'so2_aqi', 'co_aqi') }}
    or (vn_aqi is not null and (band_code is null or dominant_parameter_code is null))
{% endtest %}

{% test at_most_one_open_gap_per_vessel(model) %}
select vessel_key, count(*) as open_gaps
from {{ model }}
where is_open
group by vessel_key
having count(*) > 1
{% endtest %}

{% test slots_at_sea_are_received_unknown_or_missed(model) %}
select * from {{ model }}
where
    at_sea_slots <> received_slots + unknown_slots + missed_slots
    or at_sea_slots > 24 / {{ var('vms_slot_hours') }}
    or compliance_percent < 100 and missed_slots = 0
{% endtest %}

{% test the_latest_day_is_one_for_all(model) %}
select * from {{ model }}
where is_latest <> (local_date = (select max(local_date) from {{ model }}))
{% endtest %}

{# What an operator's silence hides is no violation of its vessels. #}
{% test no_silence_of_a_vessel_is_its_operators(model) %}
select * from {{ model }}
where
    finding_code in ('silent_6h', 'silent_10d')
    and (started_in_port or known_silent_hours <= {{ var('silence_hours') }} or known_silent_hours > duration_hours + 0.0001)
{% endtest %}

{% test zones_alternate_and_follow_each_other(model) %}
select * from {{ model }}
where zone_code = previous_zone_code or started_at > confirmed_at or ended_at < started_at
{% endtest %}

{# The parts make up the whole in every row. #}
{% test total_is_the_sum_of(model, total, parts) %}
select {{ total }}, {{ parts | join(', ') }}
from {{ model }}
where {{ total }} is distinct from {{ parts | join(' + ') }}
{% endtest %}

{# What is open with an agency at the end of a month is carried over into the next one, but for what moved meanwhile. #}
{% test what_is_open_is_carried_over(model) %}
select this_month.agency_code, this_month.month_date
from {{ model }} as this_month
inner join {{ model }} as next_month
    on this_month.agency_code = next_month.agency_code
    and cast(this_month.month_date + interval '1' month as date) = next_month.month_date
where
    next_month.carried_over
    <> this_month.in_progress_total + this_month.supplementing + next_month.moved_in - next_month.moved_out
{% endtest %}

{# A value is unknown exactly where a reason says why. #}
{% test unknown_has_a_reason(model, value, reason) %}
select {{ value }}, {{ reason }}
from {{ model }}
where ({{ value }} is null) <> ({{ reason }} is not null)
{% endtest %}

{# The running month shows each open dossier with the agency and in the state it has now. #}
{% test the_running_month_shows_what_is_open_now(model, dossiers) %}
with shown as (

    select dossier_id, agency_code, state_code
    from {{ model }}
    where is_latest and state_code in ('in_progress', 'supplementing')

),

now_open as (

    select dossier_id, agency_code, state_code
    from {{ dossiers }}
    where
        state_code in ('in_progress', 'supplementing')
        and {{ month_of('received_date') }} <= {{ month_of(local_date(clock())) }}

)

select coalesce(shown.dossier_id, now_open.dossier_id) as dossier_id
from shown
full outer join now_open
    on shown.dossier_id = now_open.dossier_id
    and shown.agency_code = now_open.agency_code
    and shown.state_code = now_open.state_code
where shown.dossier_id is null or now_open.dossier_id is null
{% endtest %}
