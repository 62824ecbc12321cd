{# Why the rate of a flag is not known: the source never sent it (its count is NULL), or there is nothing to count (`known` is 0). #}
{% macro why_flag_unknown(known, count, wire_names) -%}
    case
        when {{ count }} is null then 'Nguồn không gửi {{ wire_names }}'
        when {{ known }} = 0 then 'Không có hồ sơ nào để tính trong tháng'
    end
{%- endmacro %}
