"""Watching from outside what devices have made and what they were told is on disk."""

import json
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from monitorme.bus import BusSettings, connect
from monitorme.contract import topics
from monitorme.contract.payloads import Durable, decode
from monitorme.credentials import password_on
from monitorme.messaging import Message
from monitorme.testing.listening import heard

Boot = tuple[str, str]
WATCHER = "fault-watch"
POLL_S = 0.05


class Confirmations:
    """What every device was told is on disk, heard on the bus by a thread of its own."""

    def __init__(self, port: int, data: Path) -> None:
        self._settings = BusSettings(
            "127.0.0.1",
            port,
            WATCHER,
            password=password_on(data, WATCHER),
            subscriptions=(topics.device_filter("durable"),),
            clean_session=True,
        )
        self.through: dict[Boot, int] = {}

    def heard(self) -> AbstractContextManager[None]:
        """Listen until the end."""
        return heard(lambda: connect(self._settings), self._take)

    def cover(self, made: dict[Boot, int]) -> bool:
        """Say whether everything up to these seqs is confirmed."""
        return all(self.through.get(boot, 0) >= seq for boot, seq in made.items())

    def _take(self, message: Message) -> None:
        durable = decode(Durable, message.payload)
        boot = (durable.device, durable.boot)
        self.through[boot] = max(self.through.get(boot, 0), durable.seq)


class LedgerTail:
    """Follows a ledger: the newest seq of every device's boot."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._offset = 0
        self._boots: dict[str, str] = {}
        self._newest: dict[Boot, int] = {}
        self._beds: dict[str, dict[Boot, int]] = {}

    def newest_by_bed(self) -> Iterator[tuple[str, str, dict[Boot, int]]]:
        """Return ward, bed, and the newest seq of every boot that was there."""
        self.newest()
        for bed, newest in self._beds.items():
            ward, name = bed.split("/")
            yield ward, name, newest

    def newest(self) -> dict[Boot, int]:
        """Return the newest seq of every device, in the boot that it is in now."""
        if self.path.exists():
            with self.path.open("rb") as file:
                file.seek(self._offset)
                data = file.read()
            whole = data[: data.rfind(b"\n") + 1]
            self._offset += len(whole)
            for line in whole.splitlines():
                one = json.loads(line)
                self._boots[one["device"]] = one["boot"]
                newest = self._beds.setdefault(one["bed"], {})
                newest[one["device"], one["boot"]] = one["seq"]
                self._newest[one["device"], one["boot"]] = one["seq"]
        return {boot: self._newest[boot] for boot in self._boots.items()}


def newest(tails: Iterable[LedgerTail]) -> dict[Boot, int]:
    """Return the newest seq of every device, in the boot that it is in now."""
    return {boot: seq for tail in tails for boot, seq in tail.newest().items()}


def seconds_until_well(
    tails: Sequence[LedgerTail], confirmations: Confirmations, *, timeout_s: float
) -> float:
    """Return after how long everybody has got over what happened to them.

    That is when every device has made a reading since now, and was told that this one
    and all before it are on disk: who only has what was confirmed before a fault has not
    shown to be well after it. Raises TimeoutError.
    """
    began_s = time.monotonic()
    before = now = newest(tails)
    while any(before.get(boot) == seq for boot, seq in now.items()):
        if time.monotonic() - began_s > timeout_s:
            silent = sum(before.get(boot) == seq for boot, seq in now.items())
            raise TimeoutError(f"{silent} of {len(now)} devices make no readings")
        time.sleep(POLL_S)
        now = newest(tails)
    # Of a boot that has ended meanwhile, `before` has the last reading.
    made = {**before, **now}
    wait_confirmed(made, confirmations, deadline_s=began_s + timeout_s)
    return time.monotonic() - began_s


def wait_confirmed(
    made: dict[Boot, int], confirmations: Confirmations, *, deadline_s: float
) -> None:
    """Wait until all of it is confirmed; raises TimeoutError."""
    while not confirmations.cover(made):
        if time.monotonic() > deadline_s:
            missing = [
                boot
                for boot, seq in made.items()
                if confirmations.through.get(boot, 0) < seq
            ]
            raise TimeoutError(
                f"{len(missing)} of {len(made)} boots, {missing[0]} for one, were not "
                "told in time that what they made is on disk"
            )
        time.sleep(POLL_S)
