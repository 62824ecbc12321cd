{# A text as words between spaces, for names and keywords to be found in: lower case, signs are spaces, the tone stands where it stood before
   the reform of spelling (hoà as hòa). A name is found where its own words are part of these. #}
{% macro words_of(text) -%}
    {%- set signs = '.,;:!?()[]{}/|-–—…“”‘’«»"' -%}
    {%- set said = namespace(words="' ' || translate(lower(" ~ text ~ "), '" ~ signs ~ "', '" ~ ' ' * (signs | length) ~ "') || ' '") -%}
    {%- for now, before in [
        ('oà', 'òa'), ('oá', 'óa'), ('oả', 'ỏa'), ('oã', 'õa'), ('oạ', 'ọa'), ('oè', 'òe'), ('oé', 'óe'), ('oẻ', 'ỏe'), ('oẽ', 'õe'), ('oẹ', 'ọe'),
        ('uỳ', 'ùy'), ('uý', 'úy'), ('uỷ', 'ủy'), ('uỹ', 'ũy'), ('uỵ', 'ụy')
    ] -%}
        {%- set said.words = 'replace(' ~ said.words ~ ", '" ~ now ~ " ', '" ~ before ~ " ')" -%}
    {%- endfor -%}
    {{ said.words }}
{%- endmacro %}

{# The words of a place's name without its kind, as papers write it: phường Phú Xuân is Phú Xuân. NULL where one word is left, which means too much. #}
{% macro words_without_kind(words) -%}
    case
{%- for kind in ['phường', 'xã', 'đặc khu', 'thị trấn', 'thị xã', 'quận', 'huyện'] %}
        when {{ words }} like ' {{ kind }} % % ' then substr({{ words }}, {{ kind | length + 2 }})
{%- endfor %}
    end
{%- endmacro %}
