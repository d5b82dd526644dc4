"""Disks that are small, full or broken."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from random import Random

import pytest

PAGE = 4096


def require_own_disk() -> None:
    """Skip where nobody may mount a small disk."""
    if os.geteuid() != 0:
        pytest.skip("a disk that is full needs a tmpfs of its own, and so root")


@contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[None]:
    """Mount a small disk of memory."""
    folder.mkdir(parents=True, exist_ok=True)
    options = ["-t", "tmpfs", "-o", f"size={megabytes}m", "monitorme-fault-suite"]
    answer = subprocess.run(
        ["mount", *options, str(folder)], capture_output=True, text=True, check=False
    )
    if answer.returncode:
        pytest.skip(f"a small disk cannot be mounted: {answer.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@contextmanager
def full(folder: Path) -> Iterator[None]:
    """Leave a disk no room, until the end."""
    ballast = folder / "ballast"
    with suppress(OSError), ballast.open("wb", buffering=0) as file:
        # Small writes in the end, so that not a page is left.
        for size in (1 << 20, PAGE):
            with suppress(OSError):
                while True:
                    file.write(bytes(size))
    try:
        yield
    finally:
        ballast.unlink()


def tear(path: Path, chance: Random, pages: int = 3) -> None:
    """Overwrite some pages with noise, but not the first: that would be no file at all."""
    if not path.exists() or path.stat().st_size < 4 * PAGE:
        return
    count = path.stat().st_size // PAGE
    with path.open("r+b") as file:
        for _ in range(pages):
            file.seek(chance.randrange(1, count) * PAGE)
            file.write(chance.randbytes(PAGE))
