"""FastAPI as in its tutorials on SQL databases and security, with SQLAlchemy models."""

import hashlib
import os
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Annotated

from fastapi import Depends, FastAPI, HTTPException
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from sqlalchemy import DateTime, ForeignKey, String, create_engine, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from benchmarks import data

engine = create_engine(os.environ["DATABASE_URL"])


class Base(DeclarativeBase):
    """The base class of the tables."""


class User(Base):
    """A user with a token."""

    __tablename__ = "users"

    id: Mapped[int] = mapped_column(primary_key=True)
    username: Mapped[str] = mapped_column(String(64), unique=True)
    token_digest: Mapped[bytes] = mapped_column(unique=True)


class Task(Base):
    """A task of one user."""

    __tablename__ = "tasks"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey(User.id), index=True)
    name: Mapped[str] = mapped_column(String(255))
    note: Mapped[str | None]
    creation_date: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    modification_date: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    due_date: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    completed: Mapped[bool] = mapped_column(default=False)
    completion_date: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class TaskCreate(BaseModel):
    """The input of a new task."""

    name: str = Field(min_length=1, max_length=255)
    note: str | None = None
    due_date: AwareDatetime | None = None


class TaskUpdate(BaseModel):
    """The input that completes or reopens a task."""

    completed: bool


class TaskPublic(BaseModel):
    """A task in an answer."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    name: str
    note: str | None
    creation_date: datetime
    modification_date: datetime
    due_date: datetime | None
    completed: bool
    completion_date: datetime | None


app = FastAPI()
bearer = HTTPBearer()


def get_session() -> Iterator[Session]:
    """Yield the session of a request."""
    with Session(engine) as session:
        yield session


SessionDep = Annotated[Session, Depends(get_session)]


def get_current_user(
    session: SessionDep, credentials: Annotated[HTTPAuthorizationCredentials, Depends(bearer)]
) -> User:
    """Return the user of the token. Raise HTTPException 401 if the token is unknown."""
    digest = hashlib.sha256(credentials.credentials.encode()).digest()
    user = session.scalars(select(User).where(User.token_digest == digest)).one_or_none()
    if user is None:
        raise HTTPException(401, "Invalid token", headers={"WWW-Authenticate": "Bearer"})
    return user


CurrentUser = Annotated[User, Depends(get_current_user)]


def get_task(task_id: int, session: SessionDep, user: CurrentUser) -> Task:
    """Return a task of the user. Raise HTTPException 404 if no task has this id."""
    task = session.scalars(select(Task).filter_by(id=task_id, user_id=user.id)).one_or_none()
    if task is None:
        raise HTTPException(404, "Task not found")
    return task


@app.get("/tasks", response_model=list[TaskPublic])
def read_tasks(session: SessionDep, user: CurrentUser) -> Sequence[Task]:
    return session.scalars(select(Task).filter_by(user_id=user.id).order_by(Task.id)).all()


@app.get("/tasks/{task_id}", response_model=TaskPublic)
def read_task(task: Annotated[Task, Depends(get_task)]) -> Task:
    return task


@app.post("/tasks", response_model=TaskPublic, status_code=201)
def create_task(new: TaskCreate, session: SessionDep, user: CurrentUser) -> Task:
    now = datetime.now(UTC)
    task = Task(user_id=user.id, creation_date=now, modification_date=now, **new.model_dump())
    session.add(task)
    session.commit()
    session.refresh(task)
    return task


@app.patch("/tasks/{task_id}", response_model=TaskPublic)
def update_task(
    change: TaskUpdate, task: Annotated[Task, Depends(get_task)], session: SessionDep
) -> Task:
    now = datetime.now(UTC)
    if change.completed != task.completed:
        task.completed = change.completed
        task.completion_date = now if change.completed else None
    task.modification_date = now
    session.commit()
    session.refresh(task)
    return task


def fill() -> list[data.StoredAccount]:
    """Create the tables and the data; return the accounts."""
    filled = []
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        for account in range(data.ACCOUNTS):
            token, now = data.new_token(), datetime.now(UTC)
            digest = hashlib.sha256(token.encode()).digest()
            user = User(username=data.username(account), token_digest=digest)
            session.add(user)
            session.flush()
            tasks = [
                Task(user_id=user.id, creation_date=now, modification_date=now, **data.task(number))
                for number in range(data.TASKS)
            ]
            session.add_all(tasks)
            session.flush()
            filled.append(data.StoredAccount(token, "/tasks", [task.id for task in tasks]))
        session.commit()
    return filled
