{#
    What engines write differently or mean differently. A model calls the macros of this file; how an engine says it stands in the file named after
    the engine, a macro `<engine>__<name>` each. `make check` refuses what is no part of the common language (lint/portable_sql.py).
#}

{# The version of a table in which a row was written: grows with every commit, in the order of commits. #}
{% macro row_version() -%}
    {{ adapter.dispatch('row_version')() }}
{%- endmacro %}

{# The type of an instant, to the microsecond. #}
{% macro instant_type() -%}
    {{ adapter.dispatch('instant_type')() }}
{%- endmacro %}

{# An instant from ISO 8601 text with offset. #}
{% macro instant(text) -%}
    {{ adapter.dispatch('instant')(text) }}
{%- endmacro %}

{# The local time of an instant in a time zone, without a zone. #}
{% macro local_time_of(value, zone) -%}
    {{ adapter.dispatch('local_time_of')(value, zone) }}
{%- endmacro %}

{# The instant of a local time in a time zone. #}
{% macro instant_of_local_time(value, zone) -%}
    {{ adapter.dispatch('instant_of_local_time')(value, zone) }}
{%- endmacro %}

{# The start of the bucket of `minutes` that holds an instant; UTC and UTC+7 agree on every bucket that divides an hour. #}
{% macro time_slot(column, minutes) -%}
    {{ adapter.dispatch('time_slot')(column, minutes) }}
{%- endmacro %}

{# Hours, with fractions, from one instant to another. #}
{% macro hours_between(start, finish) -%}
    {{ adapter.dispatch('hours_between')(start, finish) }}
{%- endmacro %}

{# The number of the slot of `minutes` that holds an instant, counted in local time from a Monday (5 January 1970), so that slots begin at local
   midnight and weeks on Mondays. #}
{% macro local_slot_number(column, minutes) -%}
    {{ adapter.dispatch('local_slot_number')(column, minutes) }}
{%- endmacro %}

{# The instant at which a slot counted by `local_slot_number` begins. #}
{% macro start_of_local_slot(slot, minutes) -%}
    {{ adapter.dispatch('start_of_local_slot')(slot, minutes) }}
{%- endmacro %}

{# The local date of a slot counted by `local_slot_number`. #}
{% macro date_of_local_slot(slot, minutes) -%}
    {{ adapter.dispatch('date_of_local_slot')(slot, minutes) }}
{%- endmacro %}

{# An instant so many minutes later. #}
{% macro minutes_after(instant, minutes) -%}
    {{ adapter.dispatch('minutes_after')(instant, minutes) }}
{%- endmacro %}

{# A date so many days later; the number may be an expression. #}
{% macro days_after(date, days) -%}
    {{ adapter.dispatch('days_after')(date, days) }}
{%- endmacro %}

{# How many days after one date another is, a whole number. #}
{% macro days_between(first_day, last_day) -%}
    {{ adapter.dispatch('days_between')(first_day, last_day) }}
{%- endmacro %}

{# The date of a year, month and day, each a whole number within its range; NULL where one is not known. #}
{% macro date_of(year, month, day) -%}
    {{ adapter.dispatch('date_of')(year, month, day) }}
{%- endmacro %}

{# The day of the week of a date: 1 is Monday, 7 Sunday. #}
{% macro iso_weekday(date) -%}
    {{ adapter.dispatch('iso_weekday')(date) }}
{%- endmacro %}

{# The year that the ISO week of a date belongs to. #}
{% macro iso_year(date) -%}
    {{ adapter.dispatch('iso_year')(date) }}
{%- endmacro %}

{# The first day of the month of a date. #}
{% macro month_of(date_column) -%}
    {{ adapter.dispatch('month_of')(date_column) }}
{%- endmacro %}

{# One row per day from one date to another, both included, as column `local_date`; none where either is unknown or the last is before the first. #}
{% macro days_from_to(first_day, last_day) -%}
    {{ adapter.dispatch('days_from_to')(first_day, last_day) }}
{%- endmacro %}

{# One row per whole number from one to another, both included, as column `number`; the ends may be columns of a table joined before. None where the last
   is before the first. #}
{% macro numbers_from_to(first, last) -%}
    {{ adapter.dispatch('numbers_from_to')(first, last) }}
{%- endmacro %}

{# The greatest of those values that are known; NULL where none is. #}
{% macro greatest_known() -%}
    {{ adapter.dispatch('greatest_known')(*varargs) }}
{%- endmacro %}

{# The least of those values that are known; NULL where none is. #}
{% macro least_known() -%}
    {{ adapter.dispatch('least_known')(*varargs) }}
{%- endmacro %}

{# The known value of one column in the row where another is greatest, among the rows for which `only` holds. #}
{% macro value_at_greatest(value, ordering, only='true') -%}
    {{ adapter.dispatch('value_at_greatest')(value, ordering, only) }}
{%- endmacro %}

{# The known value of one column in the row where another is least, among the rows for which `only` holds. #}
{% macro value_at_least(value, ordering, only='true') -%}
    {{ adapter.dispatch('value_at_least')(value, ordering, only) }}
{%- endmacro %}

{# The newest value that is known, the row's own included; the window is named in the query. #}
{% macro last_known(value, window) -%}
    {{ adapter.dispatch('last_known')(value, window) }}
{%- endmacro %}

{# The value below which a share of the known values of a group lies, between two of them by a straight line; NULL where none is known. #}
{% macro percentile(share, value) -%}
    {{ six_decimals(adapter.dispatch('percentile')(share, value)) }}
{%- endmacro %}

{# The median of the known values of a window, as a double; NULL where none is known. #}
{% macro median_over(value, window) -%}
    {{ adapter.dispatch('median_over')(value, window) }}
{%- endmacro %}

{# How often one whole number goes into another, without the rest. #}
{% macro whole_quotient(dividend, divisor) -%}
    {{ adapter.dispatch('whole_quotient')(dividend, divisor) }}
{%- endmacro %}

{# Whether a text holds what a regular expression says; written for RE2, without named groups. #}
{% macro matches(text, pattern) -%}
    {{ adapter.dispatch('matches')(text, pattern) }}
{%- endmacro %}

{# The part of a text that a group of a regular expression matches, counted from 1; empty text where it does not match. #}
{% macro part_matched(text, pattern, group) -%}
    {{ adapter.dispatch('part_matched')(text, pattern, group) }}
{%- endmacro %}

{# A file's name without the date and time in it: files of the same kind have the same. An hour of its own (_0800) is kept. #}
{% macro without_dates(name) -%}
    {{ adapter.dispatch('without_dates')(name) }}
{%- endmacro %}

{# An instant from local time (UTC+7) written yyyyMMddHHmmss; NULL where the digits are no time, as in a 13th month. #}
{% macro instant_of_digits(text) -%}
    {{ adapter.dispatch('instant_of_digits')(text) }}
{%- endmacro %}

{# An instant from UTC written as in the names of pages, yyyyMMddTHHmmssZ; NULL where it is none. #}
{% macro instant_of_page_time(text) -%}
    {{ adapter.dispatch('instant_of_page_time')(text) }}
{%- endmacro %}

{# A whole number from text; NULL where it is none. #}
{% macro whole_number(text) -%}
    {{ adapter.dispatch('whole_number')(text) }}
{%- endmacro %}

{# A number as text with so many decimals and a comma before them; as the engine writes it where it has too many digits for that. #}
{% macro number_text(value, decimals) -%}
    {{ adapter.dispatch('number_text')(value, decimals) }}
{%- endmacro %}

{# A number with a comma between thousands and a point before its decimals, rounded as a decimal is: 12.35 becomes 12.4. #}
{% macro grouped_number(value, decimals) -%}
    {{ adapter.dispatch('grouped_number')(value, decimals) }}
{%- endmacro %}

{# A value as JSON text: a list of lists of doubles, say. #}
{% macro json_text(value) -%}
    {{ adapter.dispatch('json_text')(value) }}
{%- endmacro %}

{# The values of the rows of a group for which `only` holds, as one list, in order; NULL where there is none. #}
{% macro sorted_list(value, only='true') -%}
    {{ adapter.dispatch('sorted_list')(value, only) }}
{%- endmacro %}

{# The known texts of the rows of a group for which `only` holds, joined in their order; NULL where there is none. #}
{% macro joined_texts(text, separator, only='true') -%}
    {{ adapter.dispatch('joined_texts')(text, separator, only) }}
{%- endmacro %}

{# The parts of a text, one row each, as column `part`, to be joined to the row of the text. #}
{% macro parts_of(text, separator) -%}
    {{ adapter.dispatch('parts_of')(text, separator) }}
{%- endmacro %}

{# The members of a list, one row each, as column `member`, to be joined to the row of the list. #}
{% macro members_of(list) -%}
    {{ adapter.dispatch('members_of')(list) }}
{%- endmacro %}

{# The member of a list at a position, counted from 1; NULL where the list is shorter. #}
{% macro member_at(list, position) -%}
    {{ adapter.dispatch('member_at')(list, position) }}
{%- endmacro %}

{# How many members a list has. #}
{% macro members_in(list) -%}
    {{ adapter.dispatch('members_in')(list) }}
{%- endmacro %}

{# The members of a list in JSON text, one row each as JSON text, as column `member`, to be joined to the row of the text; none where the text is no
   list. #}
{% macro json_members(text) -%}
    {{ adapter.dispatch('json_members')(text) }}
{%- endmacro %}

{# The text or number that an object in JSON text holds under a name, as text; NULL where it holds none. #}
{% macro json_value(text, name) -%}
    {{ adapter.dispatch('json_value')(text, name) }}
{%- endmacro %}
