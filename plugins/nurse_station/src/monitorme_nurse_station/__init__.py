"""Shows a ward's patients on one page, within a second."""

from typing import TYPE_CHECKING, Any

from monitorme import hookimpl

if TYPE_CHECKING:
    from monitorme.plugin import Plugin


@hookimpl
def monitorme_plugin() -> "type[Plugin[Any]]":
    """Return the nurses' station."""
    from monitorme_nurse_station.plugin import NurseStation

    return NurseStation
