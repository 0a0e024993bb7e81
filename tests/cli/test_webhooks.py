"""`labeler webhooks`: added with a secret shown once, listed without it, removed; the log and its way to send again."""

from click.testing import CliRunner, Result

from labeler.cli import main


def webhooks(project, verb: str, *options: str) -> Result:
    return CliRunner().invoke(main, ["webhooks", verb, str(project.folder), *options])


def test_a_webhook_is_added_listed_and_removed(project):
    added = webhooks(project, "add", "https://example.org/secret-path", "--event", "member.joined")
    secret = added.stdout.splitlines()[-1]
    assert secret.startswith("whsec_")
    listed = webhooks(project, "list").stdout
    assert "1  https://example.org/…  member.joined" in listed
    assert secret not in listed
    assert "secret-path" not in listed
    assert webhooks(project, "remove", "1").exit_code == 0
    assert webhooks(project, "list").stdout == ""
    assert "There is no webhook 1" in webhooks(project, "remove", "1").stderr


def test_an_event_that_there_is_not_is_refused_with_those_that_there_are(project):
    refused = webhooks(project, "add", "https://example.org/", "--event", "moon.full")
    assert refused.exit_code == 2
    assert "round.finished" in refused.stderr


def test_the_log_says_what_came_of_each_message(project):
    webhooks(project, "add", "https://example.org/")
    with project.store() as store:
        store.team.join("kim")
        (delivery,) = store.webhooks.deliveries()
        store.webhooks.record(delivery, "The answer was 500.", 0.0)
    assert "member.joined  1×  The answer was 500. – tried again" in webhooks(project, "log").stdout
    assert webhooks(project, "send-again", str(delivery.id)).exit_code == 0
    with project.store() as store:
        assert store.webhooks.is_due(1.0)
    assert "no message 99" in webhooks(project, "send-again", "99").stderr
