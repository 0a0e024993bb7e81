"""docs/security.md shows the table of rights as it is."""

import re

from labeler.access.roles import MAY, ROLES
from tests.support.machine import ROOT

ROW = re.compile(r"^\| `(\w+)` \| [^|]+ \|((?: (?:yes)? ?\|){4})$", re.MULTILINE)


def test_the_table_of_the_page_is_that_of_the_code():
    page = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
    shown = {
        action: {role for role, cell in zip(ROLES, cells.split("|"), strict=False) if "yes" in cell}
        for action, cells in ROW.findall(page)
    }
    assert shown == {action: set(roles) for action, roles in MAY.items()}
