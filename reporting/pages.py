"""The pages that can be printed: those that contracts/domains.yaml lists, with the titles of their dashboard files."""

from dataclasses import dataclass
from difflib import get_close_matches

import yaml

from core.domains import OVERVIEW, read_shown_domains
from core.errors import UnknownNameError
from core.names import ALIKE
from core.settings import PROJECT
from core.text import half

DASHBOARDS = PROJECT / "superset" / "dashboards"


@dataclass(frozen=True)
class Page:
    """A page: its slug, its title and description in Vietnamese, and the domain that lists it, or the overview."""

    slug: str
    title: str
    description: str
    domain: str

    @property
    def is_over_all(self) -> bool:
        """Whether it shows the figures of all domains instead of those of one."""
        return self.domain == OVERVIEW


def page_slugs() -> tuple[str, ...]:
    """Return the slugs of all pages, in the order in which leaders read them."""
    return tuple(slug for domain in read_shown_domains() for slug in domain.dashboards)


def find_page(slug: str) -> Page:
    """Return a page; raise UnknownNameError naming all of them, and the one most like it."""
    for domain in read_shown_domains():
        if slug in domain.dashboards:
            file = yaml.safe_load((DASHBOARDS / f"{slug}.yaml").read_text(encoding="utf-8"))
            title, description = (half(str(file.get(name, "")), "vi") for name in ("title", "description"))
            return Page(slug, title, description, domain.id)
    near = get_close_matches(slug.lower(), page_slugs(), n=1, cutoff=ALIKE)
    hint = f"did you mean {near[0]}?" if near else "correct it"
    raise UnknownNameError(
        f'report: expected a page of {", ".join(page_slugs())}, got "{slug}"; {hint}', page=slug, near=near
    )
