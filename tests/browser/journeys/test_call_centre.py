"""A Korean call centre: complaints without labels in a table of its own columns, two annotators, an Excel file."""

import time

import pandas as pd
import pytest
from playwright.sync_api import expect

from labeler.projects import project as projects
from tests.browser.journeys.steps import DATA, Clock, label, stored, take_out, wait_for_the_curve
from tests.support.server import serving

pytestmark = [pytest.mark.browser, pytest.mark.shared, pytest.mark.thorough]
KOREAN = {"locale": "ko-KR", "timezone_id": "Asia/Seoul"}
KEYS = {"negative": "1", "positive": "2"}


@pytest.fixture
def complaints(tmp_path):
    """A table in the encoding of Korean Windows, whose column of texts has no usual name, and the true labels."""
    frame = pd.read_csv(DATA / "reviews_ko.csv").drop_duplicates("text").head(603)
    table = pd.DataFrame(
        {
            "접수번호": [f"C-{number:05d}" for number in range(len(frame))],
            "지점": (["서울", "부산", "인천"] * len(frame))[: len(frame)],
            "고객이 말한 것": frame["text"],
        }
    )
    table.to_csv(tmp_path / "접수.csv", index=False, encoding="cp949", errors="replace")
    return tmp_path / "접수.csv", frame["label"].tolist()


def test_from_a_table_of_complaints_to_an_excel_file(tmp_path, open_separate, complaints):
    table, truth = complaints
    clock = Clock("call centre")
    with serving(tmp_path / "home") as server:
        lead = open_separate(server.url, **KOREAN)
        clock.mark("server and first page")
        lead.get_by_role("link", name="프로젝트 만들기").click()
        lead.get_by_test_id("stFileUploader").locator("input[type=file]").set_input_files(table)
        expect(lead.get_by_label("이름", exact=True)).to_have_value("접수")
        lead.get_by_label("이름", exact=True).fill("고객 불만")
        lead.get_by_label("클래스(한 줄에 하나)").fill("불만\n칭찬")
        lead.get_by_role("textbox", name="지침(Markdown)").fill("# 규칙\n\n불만이 하나라도 있으면 불만입니다.")
        lead.get_by_test_id("stMain").get_by_role("textbox", name="본인 이름").fill("김지수")
        lead.get_by_role("button", name="프로젝트를 만들고 가져오기").click()
        lead.get_by_role("button", name="라벨링 시작").click()
        project = projects.open_project(tmp_path / "home" / "고객-불만")
        rows = {item: int(source.rsplit(" ", 1)[1]) - 2 for item, source in stored(project).items()}

        def key_of(item: int) -> str:
            return KEYS[truth[rows[item]]]

        label(lead, project, 1, key_of)
        clock.mark("first label")
        second = open_separate(server.url, **KOREAN)
        second.get_by_test_id("stMain").get_by_role("textbox", name="본인 이름").fill("박민준")
        second.get_by_role("button", name="라벨링 시작").click()
        label(second, project, 9, key_of)
        label(lead, project, 10, key_of)
        answered = time.monotonic()
        lead.get_by_role("link", name="진행 상황").click()
        wait_for_the_curve(lead, "95%:")
        clock.mark("20th label to curve", answered)
        lead.get_by_role("link", name="팀", exact=True).click()
        lead.get_by_text("박민준").first.wait_for(state="attached")
        lead.get_by_role("link", name="프로젝트", exact=True).click()
        frame = take_out(lead, "라벨 내보내기", "Excel", tmp_path / "labels.xlsx")
        clock.mark("labels taken out")
    clock.write()
    labeled = frame.dropna(subset=["label"])
    assert len(frame) == len(truth)
    assert set(labeled["annotators"]) == {"김지수", "박민준"}
    names = {"negative": "불만", "positive": "칭찬"}
    assert [names[truth[int(s.rsplit(" ", 1)[1]) - 2]] for s in labeled["source"]] == labeled["label"].tolist()
    assert {"접수번호", "지점"} <= {*frame.columns}
