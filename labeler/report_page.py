"""A report as one page that stands alone: no script, no request, its charts drawn in, fit to be printed or filed."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import altair as alt
from jinja2 import Environment

Table = list[dict[str, Any]]

# Jinja escapes every value: names, notes and texts come from people.
PAGE = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True).from_string("""\
<!doctype html>
<html lang="{{ language }}">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{ title }}</title>
<style>
:root { color-scheme: light dark; --ink: #1c2430; --soft: #5c6675; --line: #d9dee6; --paper: #fff; --card: #f6f8fb }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e7ebf2; --soft: #9aa5b6; --line: #38414f; --paper: #12161d; --card: #1b212b }
}
body { font: 16px/1.55 system-ui, sans-serif; color: var(--ink); background: var(--paper); margin: 0 auto;
  max-width: 60rem; padding: 2rem 1.25rem 4rem; word-break: keep-all; overflow-wrap: break-word }
h1 { font-size: 1.9rem; line-height: 1.2; margin: 0 0 .25rem }
h2 { font-size: 1.25rem; margin: 2.5rem 0 .5rem; padding-top: 1rem; border-top: 1px solid var(--line) }
h3 { font-size: 1rem; margin: 1.25rem 0 .25rem }
.soft, figcaption { color: var(--soft) }
.scroll { overflow-x: auto }
table { border-collapse: collapse; font-size: .875rem; font-variant-numeric: tabular-nums; margin: .5rem 0 }
th, td { text-align: start; padding: .3rem .75rem .3rem 0; border-bottom: 1px solid var(--line); vertical-align: top }
th { color: var(--soft); font-weight: 600 }
figure { margin: 1rem 0; background: #fff; color: #1c2430; padding: .5rem; border-radius: .5rem; overflow-x: auto }
figure svg { max-width: 100%; height: auto; display: block }
pre { background: var(--card); padding: 1rem; border-radius: .5rem; white-space: pre-wrap; overflow-wrap: anywhere;
  font-size: .8125rem }
@media print { body { max-width: none; padding: 0 } h2 { break-after: avoid } figure, tr { break-inside: avoid } }
</style>
<h1>{{ title }}</h1>
<p class="soft">{{ subtitle }}</p>
{% for section in sections %}
<section>
<h2>{{ section.title }}</h2>
{% for text in section.texts %}<p>{{ text }}</p>
{% endfor %}
{% for svg in section.charts %}<figure>{{ svg | safe }}</figure>
{% endfor %}
{% for name, rows in section.tables %}
{% if name %}<h3>{{ name }}</h3>{% endif %}
<div class="scroll"><table>
<tr>{% for column in rows[0] %}<th>{{ column }}</th>{% endfor %}</tr>
{% for row in rows %}<tr>{% for value in row.values() %}<td>{{ value }}</td>{% endfor %}</tr>
{% endfor %}
</table></div>
{% endfor %}
{% for name, text in section.listings %}{% if name %}<h3>{{ name }}</h3>{% endif %}<pre>{{ text }}</pre>
{% endfor %}
</section>
{% endfor %}
</html>
""")


@dataclass(frozen=True)
class Section:
    """A part of the page. charts: as SVG. tables: each with its name, or ""; listings: texts as they are."""

    title: str
    texts: Sequence[str] = ()
    charts: Sequence[str] = ()
    tables: Sequence[tuple[str, Table]] = ()
    listings: Sequence[tuple[str, str]] = field(default_factory=list)


def drawn(chart: alt.LayerChart | alt.FacetChart | alt.Chart) -> str:
    """The chart as SVG, without any network."""
    import vl_convert

    return vl_convert.vegalite_to_svg(chart.properties(width=820).to_dict())
