"""Bodies of requests: what is read, and the sentence for what is not."""

import json
import re

import pytest

from labeler.api.requests import Answers, RequestError, Reserve, Tab, parse
from labeler.core.items import Answer

SKIP = {"request_id": "r", "item_id": 1, "action": "skip"}


def test_omitted_fields_have_defaults():
    assert parse(Reserve, b'{"tab": "t"}') == Reserve("t", n=20, release=[], history=False)


def test_unknown_fields_are_ignored():
    assert parse(Tab, b'{"tab": "t", "colour": 3}') == Tab("t")


def test_answers_come_with_their_tab():
    body = {"tab": "t", "answers": [SKIP | {"seconds": 2, "note": "too dark", "unsure": True}]}
    (answer,) = parse(Answers, json.dumps(body).encode()).as_answers()
    assert answer == Answer("r", 1, "skip", seconds=2.0, tab="t", unsure=True, note="too dark")


@pytest.mark.parametrize("seconds", ["NaN", "-1", "1e9", '"soon"', "null", "[]"])
def test_an_answer_with_implausible_seconds_is_accepted(seconds):
    body = json.dumps({"tab": "t", "answers": [SKIP | {"seconds": "?"}]}).replace('"?"', seconds)
    assert parse(Answers, body.encode()).as_answers()[0].seconds is None


@pytest.mark.parametrize(
    ("kind", "body", "sentence"),
    [
        (Tab, b"{", "The request is not JSON."),
        (Tab, b" " * 1_000_001, "The request is too large: send fewer answers at once."),
        (Tab, b"[]", "The request must be a JSON object."),
        (Tab, b"", "'tab' must be a text of 1 to 200 characters."),
        (Tab, b'{"tab": ""}', "'tab' must be a text of 1 to 200 characters."),
        (Reserve, b'{"tab": "t", "n": 101}', "'n' must be a whole number from 1 to 100."),
        (Reserve, b'{"tab": "t", "n": true}', "'n' must be a whole number from 1 to 100."),
        (Reserve, b'{"tab": "t", "release": ["1"]}', "'release' must be a list of item ids."),
        (Reserve, b'{"tab": "t", "history": 1}', "'history' must be true or false."),
        (Answers, b'{"tab": "t"}', "'answers' must be a list of at most 1000 answers."),
        (Answers, b'{"tab": "t", "answers": [3]}', "Each answer must be a JSON object."),
    ],
)
def test_a_body_of_the_wrong_form_is_refused_with_a_sentence(kind, body, sentence):
    with pytest.raises(RequestError) as refused:
        parse(kind, body)
    assert str(refused.value) == sentence


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"request_id": ""}, "'request_id' must be a text of 1 to 200 characters."),
        ({"item_id": "1"}, "'item_id' must be a whole number."),
        ({"item_id": True}, "'item_id' must be a whole number."),
        ({"item_id": 2**63}, "'item_id' must be a whole number."),
        ({"item_id": 10**400}, "'item_id' must be a whole number."),
        ({"action": "delete"}, "'action' must be one of 'label', 'skip', 'flag', 'undo'."),
        ({"label": 3}, "'label' must be a text."),
        ({"note": "x" * 2001}, "'note' must be a text of at most 2000 characters."),
        ({"reveal": "now"}, "'reveal' must be one of 'never', 'after', 'before'."),
    ],
)
def test_a_wrong_field_of_an_answer_is_named(change, sentence):
    unfit = SKIP | {"request_id": "u"} | change
    body = json.dumps({"tab": "t", "answers": [SKIP, unfit, SKIP | {"item_id": 2}]}).encode()
    if not unfit["request_id"]:  # nobody could say which answer is meant
        with pytest.raises(RequestError, match=re.escape(sentence)):
            parse(Answers, body)
        return
    answers = parse(Answers, body)
    assert [answer.item_id for answer in answers.as_answers()] == [1, 2]
    assert [(answer.request_id, answer.fields, str(answer.reason)) for answer in answers.unfit()] == [
        ("u", unfit, sentence)
    ]


def test_half_a_character_costs_itself_alone():
    note = json.dumps("a cat \ud83d")  # as a field's limit cuts an emoji
    body = f'{{"tab": "t", "answers": [{json.dumps(SKIP)[:-1]}, "note": {note}}}]}}'.encode()
    (answer,) = parse(Answers, body).as_answers()
    assert answer.note == "a cat ?"
