"""List, create, show, change, delete and test webhooks."""

from typing import Any
from uuid import uuid4

from pyramid.view import view_config, view_defaults

from todo.auth.permissions import Permission
from todo.auth.sessions import reauthenticate
from todo.http.audit import audit
from todo.http.request import Request
from todo.http.transactions import end_transaction
from todo.resources import AccountContext, WebhookContext
from todo.schemas import webhook as schemas
from todo.services.outbox import message_of_test
from todo.services.webhooks import (
    change_webhook,
    create_webhook,
    delete_webhook,
    read_webhooks,
    send_test,
)

AUDITED = ("url", "events", "enabled")  # fields whose changes the audit log names


@view_defaults(route_name="webhooks", permission=Permission.MANAGE)
class WebhooksViews:
    """All webhooks of an account."""

    def __init__(self, context: AccountContext, request: Request) -> None:
        self.account = context.account
        self.request = request

    @view_config(request_method="GET", operation="user's webhooks", returns=schemas.Webhooks)
    def get(self) -> dict[str, Any]:
        """List the webhooks, oldest first.

        Secrets are not shown. `last_answer` is the receiver's answer to the last message, and
        `disabled_reason` says why nothing is sent.
        """
        webhooks = schemas.Webhook.of_each(read_webhooks(self.request.db, self.account))
        return {"username": self.account.username, "webhooks": webhooks}

    @view_config(
        request_method="POST",
        operation="create webhook",
        body=schemas.NewWebhook,
        returns={201: schemas.WebhookPosted},
        errors=("reauthentication_required", "too_many", "busy"),
    )
    def post(self) -> dict[str, Any]:
        """Create a webhook.

        From now on, each change of the account is sent to the URL. The secret, which signs the
        messages, is shown in this answer only. Requires `current_password`, unless the login is
        less than ten minutes old. An account has at most 20 webhooks.
        """
        request, values = self.request, self.request.validated_body.values()
        reauthenticate(request, values.pop("current_password", None))
        webhook, secret = create_webhook(request.db, request.identity, values)
        audit(request, "webhook.created", target=webhook.id)
        username = self.account.username
        request.response.location = request.route_path("webhook", username=username, id=webhook.id)
        return {
            "msg": "posted",
            "username": username,
            "secret": secret,
            "webhook": schemas.Webhook.of(webhook),
        }


@view_defaults(route_name="webhook", permission=Permission.MANAGE)
class WebhookViews:
    """One webhook."""

    def __init__(self, context: WebhookContext, request: Request) -> None:
        self.account = context.account
        self.webhook = context.webhook
        self.request = request

    @view_config(request_method="GET", operation="webhook detail", returns=schemas.WebhookAnswer)
    def get(self) -> dict[str, Any]:
        """Show a webhook.

        Its secret is not shown.
        """
        return self._shown(self.webhook)

    @view_config(
        request_method=("PUT", "PATCH"),
        operation="webhook update",
        body=(schemas.WebhookChange, schemas.WebhookEnvelope),
        returns=schemas.WebhookAnswer,
        errors=("reauthentication_required", "busy"),
    )
    def put(self) -> dict[str, Any]:
        """Change a webhook.

        Fields that are not mentioned keep their values. A disabled webhook that is enabled goes on
        with the changes where it stopped. A new URL requires `current_password`, unless the login
        is less than ten minutes old.
        """
        request, values = self.request, dict(self.request.validated_body.prepared)
        password = values.pop("current_password", None)
        if values.get("url", self.webhook.url) != self.webhook.url:
            reauthenticate(request, password)
        changed = change_webhook(request.db, request.identity, self.webhook.id, values)
        names = [each for each in AUDITED if getattr(changed, each) != getattr(self.webhook, each)]
        if names:
            audit(request, "webhook.changed", target=changed.id, fields=names)
        return self._shown(changed)

    @view_config(
        request_method="DELETE", operation="delete webhook", returns=schemas.WebhookDeleted
    )
    def delete(self) -> dict[str, Any]:
        """Delete a webhook.

        A message that is under way may still arrive.
        """
        delete_webhook(self.request.db, self.account, self.webhook.id)
        audit(self.request, "webhook.deleted", target=self.webhook.id)
        return {"username": self.account.username, "msg": "Deleted."}

    def _shown(self, webhook: Any) -> dict[str, Any]:
        return {"username": self.account.username, "webhook": schemas.Webhook.of(webhook)}


@view_config(
    route_name="test_webhook",
    request_method="POST",
    permission=Permission.MANAGE,
    operation="test webhook",
    heavy=True,
    returns=schemas.WebhookTested,
    errors=("busy",),
)
def test(context: WebhookContext, request: Request) -> dict[str, Any]:
    """Send a message of type `test`, and show the answer of the receiver.

    The status is 200 also if the receiver fails: `answer` has its status, or the error. The webhook
    may be disabled. It keeps its place among the changes, and `last_answer`.
    """
    username, webhook = context.account.username, context.webhook
    answer = send_test(
        request.db,
        webhook,
        message_of_test(username, f"msg_{uuid4().hex}"),
        request.settings.webhook_networks,
        lambda: end_transaction(request),
    )
    return {"username": username, "answer": schemas.ReceiverAnswer.of(answer)}
