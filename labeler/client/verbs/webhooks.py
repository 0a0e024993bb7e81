"""Addresses that are told what happens, and what they were told."""

from collections.abc import Collection

from labeler.client.calls import Call, Steps
from labeler.client.verbs.base import ProjectVerbs
from labeler.core.events import EVENTS, Delivery, Event, Webhook


class WebhookVerbs(ProjectVerbs):
    """Addresses that are told what happens, and what they were told."""

    def webhooks(self) -> Steps[list[Webhook]]:
        """The webhooks, without their secrets; see docs/events.md."""
        found = yield from self._all("webhooks")
        return [Webhook(**each | {"events": tuple(each["events"]), "secret": ""}) for each in found]

    def add_webhook(self, url: str, events: Collection[Event] = EVENTS) -> Steps[tuple[int, str]]:
        """The number of a new webhook, and the secret that its messages are signed with, which is told this once.

        Args:   events: that it is told of.
        Raises: LabelerError: it cannot have this address, or there is no such event.
        """
        added = yield Call("POST", f"{self.path}/webhooks", body={"url": url, "events": [*events]})
        return added["id"], added["secret"]

    def remove_webhook(self, number: int) -> Steps[None]:
        """Tell a webhook nothing more. Raises: LabelerError: there is none with this number."""
        yield Call("DELETE", f"{self.path}/webhooks/{number}")

    def webhook_messages(self, most: int = 50) -> Steps[list[Delivery]]:
        """The latest messages to webhooks, the latest first, with what came of each."""
        found = yield from self._all("webhook-messages", most)
        return [Delivery(**each | {"problem": each["problem"] or ""}) for each in found]

    def send_again(self, message: int) -> Steps[None]:
        """Have a message sent again. Raises: LabelerError: there is none with this number."""
        yield Call("POST", f"{self.path}/webhook-messages/{message}/send-again")
