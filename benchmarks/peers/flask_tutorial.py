"""Flask as in its tutorial, with the database as in the quickstart of Flask-SQLAlchemy."""

import functools
import hashlib
import os
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, Flask, abort, g, jsonify, request
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import DateTime, ForeignKey, String
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from benchmarks import data


class Base(DeclarativeBase):
    """The base class of the tables."""


db = SQLAlchemy(model_class=Base)
bp = Blueprint("tasks", __name__)


class User(db.Model):  # type: ignore[name-defined]
    """A user with a token."""

    id: Mapped[int] = mapped_column(primary_key=True)
    username: Mapped[str] = mapped_column(String(64), unique=True)
    token_digest: Mapped[bytes] = mapped_column(unique=True)


class Task(db.Model):  # type: ignore[name-defined]
    """A task of one user."""

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey(User.id), index=True)
    name: Mapped[str] = mapped_column(String(255))
    note: Mapped[str | None]
    creation_date: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    modification_date: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    due_date: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    completed: Mapped[bool] = mapped_column(default=False)
    completion_date: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))

    def to_dict(self) -> dict[str, Any]:
        """Return the task as JSON members."""
        return {
            "id": self.id,
            "name": self.name,
            "note": self.note,
            "creation_date": self.creation_date.isoformat(),
            "modification_date": self.modification_date.isoformat(),
            "due_date": self.due_date.isoformat() if self.due_date else None,
            "completed": self.completed,
            "completion_date": self.completion_date.isoformat() if self.completion_date else None,
        }


def create_app() -> Flask:
    """Return the application."""
    app = Flask(__name__)
    app.config.from_mapping(SQLALCHEMY_DATABASE_URI=os.environ["DATABASE_URL"])
    db.init_app(app)
    app.register_blueprint(bp)
    return app


@bp.before_app_request
def load_user() -> None:
    """Set `g.user` to the user of the token, or to None."""
    g.user = None
    if request.authorization and request.authorization.token:
        digest = hashlib.sha256(request.authorization.token.encode()).digest()
        g.user = db.session.execute(
            db.select(User).where(User.token_digest == digest)
        ).scalar_one_or_none()


def login_required(view: Callable[..., Any]) -> Callable[..., Any]:
    """Answer 401 to requests without a user."""

    @functools.wraps(view)
    def wrapped_view(**kwargs: Any) -> Any:
        if g.user is None:
            abort(401)
        return view(**kwargs)

    return wrapped_view


def get_task(task_id: int) -> Task:
    """Return a task of the user, or abort with 404."""
    task: Task = db.one_or_404(db.select(Task).filter_by(id=task_id, user_id=g.user.id))
    return task


@bp.get("/tasks")
@login_required
def index() -> Any:
    tasks = db.session.execute(
        db.select(Task).filter_by(user_id=g.user.id).order_by(Task.id)
    ).scalars()
    return jsonify([task.to_dict() for task in tasks])


@bp.get("/tasks/<int:task_id>")
@login_required
def detail(task_id: int) -> Any:
    return jsonify(get_task(task_id).to_dict())


@bp.post("/tasks")
@login_required
def create() -> Any:
    name, note = request.json.get("name"), request.json.get("note")
    due_date, error = request.json.get("due_date"), None
    if not isinstance(name, str) or not 0 < len(name) <= 255:
        error = "Name is required."
    if due_date is not None:
        try:
            due_date = datetime.fromisoformat(due_date)
        except (TypeError, ValueError):
            error = "Due date is not a valid date."
    if error is not None:
        return jsonify(error=error), 400
    now = datetime.now(UTC)
    task = Task(
        user_id=g.user.id,
        name=name,
        note=note,
        due_date=due_date,
        creation_date=now,
        modification_date=now,
    )
    db.session.add(task)
    db.session.commit()
    return jsonify(task.to_dict()), 201


@bp.patch("/tasks/<int:task_id>")
@login_required
def update(task_id: int) -> Any:
    completed = request.json.get("completed")
    if not isinstance(completed, bool):
        return jsonify(error="Completed must be true or false."), 400
    task = get_task(task_id)
    now = datetime.now(UTC)
    if completed != task.completed:
        task.completed = completed
        task.completion_date = now if completed else None
    task.modification_date = now
    db.session.commit()
    return jsonify(task.to_dict())


def fill() -> list[data.StoredAccount]:
    """Create the tables and the data; return the accounts."""
    filled = []
    with create_app().app_context():
        db.create_all()
        for account in range(data.ACCOUNTS):
            token, now = data.new_token(), datetime.now(UTC)
            digest = hashlib.sha256(token.encode()).digest()
            user = User(username=data.username(account), token_digest=digest)
            db.session.add(user)
            db.session.flush()
            tasks = [
                Task(user_id=user.id, creation_date=now, modification_date=now, **data.task(number))
                for number in range(data.TASKS)
            ]
            db.session.add_all(tasks)
            db.session.flush()
            filled.append(data.StoredAccount(token, "/tasks", [task.id for task in tasks]))
        db.session.commit()
    return filled
