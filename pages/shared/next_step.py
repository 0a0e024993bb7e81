"""What comes next in a project: a line of its steps, and for an empty page a link to where it goes on."""

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from labeler.i18n.messages import _, mark, translate
from labeler.projects.next_step import STEPS, Step, way
from labeler.projects.project import Project

NAMES: dict[Step, str] = {
    "import": mark("Import"),
    "guidelines": mark("Guidelines"),
    "label": mark("Label"),
    "curve": mark("Learning curve"),
    "export": mark("Take the labels out"),
    "classes": mark("Change the classes"),
}
LINKS: dict[Step, str] = {
    "import": mark("Import"),
    "guidelines": mark("Write the guidelines"),
    "label": mark("Start labeling"),
    "curve": mark("Look at the curve"),
    "export": mark("Take the labels out"),
    "classes": mark("Change the classes"),
}
PLACES: dict[Step, str] = {"label": "label/page.py", "curve": "progress/page.py"}
ICONS: dict[Step, str] = {
    "import": ":material/upload:",
    "guidelines": ":material/menu_book:",
    "label": ":material/keyboard:",
    "curve": ":material/show_chart:",
    "export": ":material/download:",
    "classes": ":material/category:",
}
IMPORTED = "imported"  # the key of what a session has imported, until it leaves the Project page
OFFERED = "offered"  # the key of the pages in the visitor's menu
OPEN = "open"  # in the address: the part of the Project page that is open
TURNS = "turns"  # the key of how often this session has opened such a part by the button


def is_offered(page: str) -> bool:
    """Whether the visitor's menu has this page: Streamlit knows no link to another."""
    return page in st.session_state.get(OFFERED, [page])


def link_to(step: Step) -> None:
    """The link to the page, or the part of the Project page, where a step is taken; none for who may not open it."""
    if not is_offered(PLACES.get(step, "project/page.py")):
        return
    if step in PLACES:
        st.page_link(PLACES[step], label=_(LINKS[step]), icon=ICONS[step])
    else:
        st.page_link("project/page.py", label=_(LINKS[step]), icon=ICONS[step], query_params={OPEN: step})


def _go_to(step: Step) -> None:
    if step in PLACES:
        st.switch_page(PLACES[step])
    st.session_state[TURNS] = st.session_state.get(TURNS, 0) + 1
    st.switch_page("project/page.py", query_params={OPEN: step})


def part_of(step: Step, title: str, expanded: bool = False) -> DeltaGenerator:
    """The part of the Project page where a step is taken. It is open where a link has opened it.

    Its key changes with each press of the button, which opens a part again that was closed by hand.
    """
    chosen = st.query_params.get(OPEN, "") == step
    turn = st.session_state.get(TURNS, 0) if chosen else 0
    return st.expander(title, expanded=expanded or chosen, key=f"part-{step}-{turn}")


def next_step(project: Project, sides: bool) -> None:
    """What is missing, and the link to where that is mended: for a page with nothing to show.

    Args: sides: whether the visitor may know what is counted of pool and holdout apart.
    """
    with project.store() as store:
        here = way(project, store, sides)
    st.markdown(translate(here.sentence))
    link_to(here.next)


def link_at_the_end(project: Project) -> None:
    """The link to where the labels are taken out, once labeling is at its end."""
    with project.store() as store:
        here = way(project, store)
    if here.next == "export":
        link_to(here.next)


def steps(project: Project) -> None:
    """The steps of the project in a line, and the link to the next one."""
    with project.store() as store:
        here = way(project, store)
    with st.container(horizontal=True, gap="small", vertical_alignment="center", key="steps"):
        for number, step in enumerate(STEPS, 1):
            if step == here.next:
                st.badge(f"{number} {_(NAMES[step])}", icon=":material/arrow_forward:", color="blue")
            elif step in here.done:
                st.badge(f"{number} {_(NAMES[step])}", icon=":material/check:", color="green")
            else:
                st.badge(f"{number} {_(NAMES[step])}", color="gray")
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        may_go = is_offered(PLACES.get(here.next, "project/page.py"))
        if may_go and st.button(_(LINKS[here.next]), type="primary", icon=ICONS[here.next], key="next-step"):
            _go_to(here.next)
        st.markdown(translate(here.sentence), width="content")
