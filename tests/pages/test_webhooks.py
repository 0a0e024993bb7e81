"""Telling other programs, on the Project page."""

from dataclasses import replace

from tests.support.pages import everything, visit, widget


def test_a_webhook_is_added_with_its_secret_and_removed(project):
    app = visit("project")
    widget(app, "text_input", "Address of a webhook").set_value("https://example.org/secret-path")
    widget(app, "button", "Add the webhook").click().run()
    assert any(code.value.startswith("whsec_") for code in app.code)
    app = visit("project")
    assert "https://example.org/…" in everything(app)
    assert "secret-path" not in everything(app)
    widget(app, "button", "Remove").click().run()
    assert "No other program is told" in everything(app)


def test_a_wrong_address_is_refused_with_a_sentence(project):
    app = visit("project")
    widget(app, "text_input", "Address of a webhook").set_value("http://example.org/")
    widget(app, "button", "Add the webhook").click().run()
    assert "without encryption" in everything(app)
    with project.store() as store:
        assert store.webhooks.all() == []


def test_a_message_that_was_given_up_is_sent_again(project):
    with project.store() as store:
        store.webhooks.add("https://example.org/", ["member.joined"], "whsec_AAAA")
        store.team.join("kim")
        (delivery,) = store.webhooks.deliveries()
        store.webhooks.record(replace(delivery, attempts=99), "The answer was 500.", 0.0)
    app = visit("project")
    assert "The answer was 500. It is not tried again." in everything(app)
    widget(app, "button", "Send again").click().run()
    with project.store() as store:
        assert store.webhooks.is_due(1.0)


def test_trackers_are_chosen_and_say_what_keeps_them(project):
    app = visit("project")
    widget(app, "multiselect", "Write each round to").set_value(["mlflow"]).run()
    app.button(key="save-trackers").click().run()
    with project.store() as store:
        store.tracked.failed("mlflow", "MLflow took no round: no disk", 0.0)
    assert "no disk" in everything(visit("project"))
