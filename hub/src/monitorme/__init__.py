"""MonitorMe: the hub of a hospital's patient monitoring over MQTT."""

from monitorme.hooks import hookimpl

__all__ = ["__version__", "hookimpl"]

__version__ = "0.1.0"
