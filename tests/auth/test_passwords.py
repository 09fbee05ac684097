"""Password hashing: at most one hash per slot, and a short queue."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from threading import BoundedSemaphore

import pytest

from tests.support.fixtures import Patch
from todo.auth import passwords
from todo.http.errors import Problem


class SlowHasher:
    """A stand-in for argon2 that records the peak number of concurrent hashes."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.running = self.peak = 0

    def hash(self, _password: bytes) -> str:
        with self.lock:
            self.running += 1
            self.peak = max(self.peak, self.running)
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


def test_concurrent_hashes_do_not_exceed_slots(slots: BoundedSemaphore, monkeypatch: Patch) -> None:
    hasher = SlowHasher()
    monkeypatch.setattr(passwords, "_hasher", hasher)
    with ThreadPoolExecutor(passwords.MAX_PENDING) as pool:
        hashed = pool.map(passwords.hash_password, ["a password"] * 6)
        verified = pool.map(passwords.verify_password, ["hash"] * 6, ["a password"] * 6)
        assert [*hashed, *verified] == ["hash"] * 6 + [True] * 6
    assert hasher.peak == 2


@pytest.mark.parametrize(
    ("addresses", "refused"),
    [
        (["192.0.2.1"] * passwords.MAX_PENDING_OF_ADDRESS, "192.0.2.1"),
        ([f"192.0.2.{number}" for number in range(passwords.MAX_PENDING)], "192.0.2.99"),
    ],
)
def test_password_beyond_the_queue_is_refused_immediately(
    addresses: list[str], refused: str
) -> None:
    with ExitStack() as stack:
        for address in addresses:
            stack.enter_context(passwords.turn(address))
        with pytest.raises(Problem, match="Too many logins") as refusal, passwords.turn(refused):
            pass
        assert (refusal.value.status, refusal.value.headers["Retry-After"]) == (503, "1")
    assert not passwords._pending
    with passwords.turn(refused):
        pass


def test_one_address_leaves_room_for_others() -> None:
    with ExitStack() as stack:
        for _ in range(passwords.MAX_PENDING_OF_ADDRESS):
            stack.enter_context(passwords.turn("192.0.2.1"))
        stack.enter_context(passwords.turn("192.0.2.2"))


def test_hash_that_waits_too_long_is_refused_with_retry_after(
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
            for operation in (
                lambda: passwords.hash_password("a password"),
                lambda: passwords.verify_password(None, "a password"),
            ):
                with pytest.raises(Problem) as refusal:
                    pool.submit(operation).result(timeout=5)
                assert (refusal.value.status, refusal.value.code) == (
                    503,
                    "busy",
                )
                assert refusal.value.headers["Retry-After"] == "1"
        finally:
            release.set()
    assert passwords.hash_password("a password"), "the slots are free again"


def test_hash_waiting_briefly_gets_slot(slots: BoundedSemaphore) -> None:
    slots.acquire()
    slots.acquire()
    threading.Timer(0.05, slots.release).start()
    assert passwords.hash_password("a password").startswith("$argon2id$")


def test_verification_error_releases_slot(slots: BoundedSemaphore) -> None:
    for _ in range(3):
        assert not passwords.verify_password("no hash", "a password")
        assert not passwords.verify_password(None, "a password")
