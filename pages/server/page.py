"""The Server page, for who runs it: processes, disk, jobs of all projects, recent errors."""

import streamlit as st

from labeler.i18n.messages import _
from pages.server.backups import backups_of_the_home
from pages.server.disk import disk
from pages.server.errors import errors
from pages.server.jobs import jobs
from pages.server.processes import processes
from pages.server.standby import standby_of_the_home
from pages.shared.access import require_right, require_user
from pages.shared.language import fragment

require_user()
st.title(_("Server"))
require_right(None, "see_server", _("Admins of this labeler see how its server is."))
st.caption(_("How the processes, the disk and the jobs of all projects are. It looks again every two seconds."))
for title, draw, seconds in (
    (_("Processes"), processes, 2),
    (_("Jobs"), jobs, 2),
    (_("Disk"), disk, None),
    (_("Backups"), backups_of_the_home, 5),
    (_("Standby"), standby_of_the_home, 2),
    (_("Recent errors"), errors, 10),
):
    st.subheader(title, anchor=False)
    fragment(draw, run_every=seconds)()
