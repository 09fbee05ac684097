"""Django REST framework as in its tutorial: a model, a serializer, a view set and a router.

Only the default apps and middleware of Django that this service needs are enabled.
"""

import os
from typing import Any

import django
from django.conf import settings
from django.core.management import call_command
from django.core.wsgi import get_wsgi_application
from psycopg2.extensions import parse_dsn

from benchmarks import data

dsn = parse_dsn(os.environ["DATABASE_URL"].replace("+psycopg2", ""))

settings.configure(
    ALLOWED_HOSTS=["127.0.0.1"],
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": dsn["dbname"],
            "USER": dsn.get("user", ""),
            "PASSWORD": dsn.get("password", ""),
            "HOST": dsn.get("host", ""),
            "PORT": dsn.get("port", ""),
            "CONN_MAX_AGE": None,
        }
    },
    DEBUG=False,
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    INSTALLED_APPS=[
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "rest_framework",
        "rest_framework.authtoken",
        "benchmarks.peers.django_rest",
    ],
    MIDDLEWARE=[
        "django.middleware.security.SecurityMiddleware",
        "django.middleware.common.CommonMiddleware",
    ],
    ROOT_URLCONF="benchmarks.peers.django_rest",
    USE_TZ=True,
)
django.setup()

# Django must be set up before models are imported or defined.
from django.contrib.auth.models import User  # noqa: E402
from django.db import connection, models, transaction  # noqa: E402
from django.utils import timezone  # noqa: E402
from rest_framework import routers, serializers, viewsets  # noqa: E402
from rest_framework.authentication import TokenAuthentication  # noqa: E402
from rest_framework.authtoken.models import Token  # noqa: E402
from rest_framework.permissions import IsAuthenticated  # noqa: E402


class BearerAuthentication(TokenAuthentication):
    """Token authentication with the scheme of the other systems."""

    keyword = "Bearer"


class Task(models.Model):
    """A task of one user."""

    owner = models.ForeignKey(User, on_delete=models.CASCADE)
    name = models.CharField(max_length=255)
    note = models.TextField(null=True, blank=True)
    creation_date = models.DateTimeField(auto_now_add=True)
    modification_date = models.DateTimeField(auto_now=True)
    due_date = models.DateTimeField(null=True, blank=True)
    completed = models.BooleanField(default=False)
    completion_date = models.DateTimeField(null=True)


class TaskSerializer(serializers.ModelSerializer):
    """The fields of a task in requests and answers."""

    class Meta:
        model = Task
        exclude = ("owner",)
        read_only_fields = ("completion_date",)


class TaskViewSet(viewsets.ModelViewSet):
    """The tasks of the user."""

    authentication_classes = (BearerAuthentication,)
    permission_classes = (IsAuthenticated,)
    serializer_class = TaskSerializer

    def get_queryset(self) -> Any:
        return Task.objects.filter(owner=self.request.user).order_by("id")

    def perform_create(self, serializer: Any) -> None:
        serializer.save(owner=self.request.user)

    def perform_update(self, serializer: Any) -> None:
        completed = serializer.validated_data.get("completed", serializer.instance.completed)
        if completed == serializer.instance.completed:
            serializer.save()
        else:
            serializer.save(completion_date=timezone.now() if completed else None)


router = routers.DefaultRouter(trailing_slash=False)
router.register("tasks", TaskViewSet, basename="task")
urlpatterns = router.urls
application = get_wsgi_application()


def fill() -> list[data.StoredAccount]:
    """Create the tables and the data; return the accounts."""
    filled = []
    call_command("migrate", verbosity=0)
    with connection.schema_editor() as editor:
        editor.create_model(Task)
    with transaction.atomic():
        for account in range(data.ACCOUNTS):
            user = User.objects.create(username=data.username(account))
            token = Token.objects.create(user=user, key=data.new_token())
            tasks = [Task(owner=user, **data.task(number)) for number in range(data.TASKS)]
            Task.objects.bulk_create(tasks)
            filled.append(data.StoredAccount(token.key, "/tasks", [task.id for task in tasks]))
    return filled
