"""Hashing on the cores of the process, in few of its threads."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from threading import BoundedSemaphore

import pytest

from tests.support.fixtures import Patch
from todo.auth import passwords
from todo.http.errors import Problem


class SlowHasher:
    """Stands in for argon2, and knows how many hashes were made at once."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.running = self.most = 0

    def hash(self, _password: bytes) -> str:
        with self.lock:
            self.running += 1
            self.most = max(self.most, self.running)
        time.sleep(0.02)
        with self.lock:
            self.running -= 1
        return "hash"

    def verify(self, _hash: str, password: bytes) -> bool:
        return bool(self.hash(password))


@pytest.fixture
def slots(monkeypatch: Patch) -> BoundedSemaphore:
    slots = BoundedSemaphore(2)
    monkeypatch.setattr(passwords, "_slots", slots)
    return slots


def test_no_more_hashes_at_once_than_slots(slots: BoundedSemaphore, monkeypatch: Patch) -> None:
    hasher = SlowHasher()
    monkeypatch.setattr(passwords, "_hasher", hasher)
    with ThreadPoolExecutor(passwords.MAX_PENDING) as pool:
        hashed = pool.map(passwords.hash_password, ["a password"] * 6)
        verified = pool.map(passwords.verify_password, ["hash"] * 6, ["a password"] * 6)
        assert [*hashed, *verified] == ["hash"] * 6 + [True] * 6
    assert hasher.most == 2


def test_login_that_finds_no_place_is_refused_at_once(slots: BoundedSemaphore) -> None:
    slots.acquire()
    slots.acquire()
    with ThreadPoolExecutor(passwords.MAX_PENDING) as pool:
        waiting = [
            pool.submit(passwords.hash_password, "a password") for _ in range(passwords.MAX_PENDING)
        ]
        while not all(each.running() for each in waiting):
            time.sleep(0.01)
        time.sleep(0.05)
        began = time.monotonic()
        with pytest.raises(Problem, match="Too many logins"):
            passwords.hash_password("a password")
        assert time.monotonic() - began < 1
        slots.release()
        slots.release()
        assert all(each.result().startswith("$argon2id$") for each in waiting)


def test_who_waits_too_long_is_told_to_come_back(
    slots: BoundedSemaphore, monkeypatch: Patch
) -> None:
    assert passwords.SLOT_TIMEOUT == 2
    monkeypatch.setattr(passwords, "SLOT_TIMEOUT", 0.05)
    held, release = threading.Barrier(3, timeout=5), threading.Event()

    def hold() -> None:
        with passwords._slot():
            held.wait()
            release.wait()

    with ThreadPoolExecutor(3) as pool:
        for _ in range(2):
            pool.submit(hold)
        try:
            held.wait()
            for wait in (
                lambda: passwords.hash_password("a password"),
                lambda: passwords.verify_password(None, "a password"),
            ):
                with pytest.raises(Problem) as refusal:
                    pool.submit(wait).result(timeout=5)
                assert (refusal.value.status, refusal.value.code) == (
                    503,
                    "busy",
                )
                assert refusal.value.headers["Retry-After"] == "1"
        finally:
            release.set()
    assert passwords.hash_password("a password"), "the slots are free again"


def test_who_waits_for_a_short_time_gets_a_turn(slots: BoundedSemaphore) -> None:
    slots.acquire()
    slots.acquire()
    threading.Timer(0.05, slots.release).start()
    assert passwords.hash_password("a password").startswith("$argon2id$")


def test_an_error_gives_the_slot_back(slots: BoundedSemaphore) -> None:
    for _ in range(3):
        assert not passwords.verify_password("no hash", "a password")
        assert not passwords.verify_password(None, "a password")
