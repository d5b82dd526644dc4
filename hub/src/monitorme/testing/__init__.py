"""What a plugin's own tests need: a bus in memory and a run of one plugin."""

from monitorme.testing.bedside import Bedside
from monitorme.testing.harness import START_MS, PluginRun
from monitorme.testing.memory import MemoryBroker, MemoryBus

__all__ = ["START_MS", "Bedside", "MemoryBroker", "MemoryBus", "PluginRun"]
