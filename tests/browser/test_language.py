"""English and Korean in a browser: chosen by it, switched in the sidebar, kept over a reload."""

import pytest

from labeler.core.items import Answer
from tests.support.desk import all_saved, press, stage
from tests.support.fill import add

pytestmark = pytest.mark.browser


@pytest.fixture
def filled(project):
    with project.store() as store:
        add(store, 30)
    return project


def test_a_browser_that_prefers_korean_gets_it_everywhere(server, filled, open_page):
    page = open_page(f"{server.url}/?annotator=kim&project={filled.slug}", locale="ko-KR")
    stage(page).wait_for()
    page.get_by_role("link", name="라벨링", exact=True).wait_for()
    assert page.evaluate("document.documentElement.lang") == "ko"
    page.get_by_role("button", name="건너뛰기").wait_for()
    press(page, "1")
    all_saved(page)
    page.get_by_text("내 답 1개").wait_for()
    page.get_by_text("모든 답이 저장됨").wait_for()
    page.get_by_role("link", name="진행 상황").click()
    page.get_by_text("다음 라운드까지").first.wait_for()
    # what is drawn anew every two seconds, without the rest of the page, stays Korean
    with filled.store() as store:
        store.answers.add("kim", [Answer("x", 29, "label", "good")])
    page.locator("[data-testid=stMetricValue]").filter(has_text="2").first.wait_for()
    page.get_by_text("풀 라벨").first.wait_for()
    assert page.get_by_text("Until the next round").count() == 0


def test_switching_changes_navigation_page_and_desk_and_is_kept(server, filled, open_page):
    page = open_page(f"{server.url}/?annotator=kim&project={filled.slug}", locale="en-US")
    stage(page).wait_for()
    page.get_by_role("button", name="Skip").wait_for()
    assert page.evaluate("document.documentElement.lang") == "en"
    page.get_by_text("한국어", exact=True).click()
    page.get_by_role("link", name="라벨링", exact=True).wait_for()
    page.get_by_role("button", name="건너뛰기").wait_for()
    stage(page).wait_for()
    page.wait_for_url("**language=ko**")
    page.get_by_role("link", name="프로젝트", exact=True).click()
    page.get_by_role("button", name="지금 다시 학습").wait_for()
    page.reload()
    page.get_by_role("button", name="지금 다시 학습").wait_for()
    over_the_page = "document.body.appendChild(document.createElement('p'))"  # where what opens stands
    assert page.evaluate(f"getComputedStyle({over_the_page}).wordBreak") == "keep-all"
    page.get_by_text("English", exact=True).click()
    page.get_by_role("button", name="Retrain now").wait_for()
    page.get_by_role("link", name="Progress", exact=True).wait_for()


def test_an_unknown_address_is_explained_in_korean(server, filled, open_page):
    page = open_page(f"{server.url}/nowhere?project={filled.slug}", locale="ko-KR")
    page.get_by_role("heading", name="페이지를 찾을 수 없습니다").wait_for()
    page.get_by_text("대신 첫 페이지를 표시합니다.").wait_for()
