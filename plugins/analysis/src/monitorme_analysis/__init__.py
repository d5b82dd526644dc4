"""Finds what is wrong with a patient or a device, and says so as conditions."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from monitorme import hookimpl

if TYPE_CHECKING:
    from monitorme.plugin import Plugin


@hookimpl
def monitorme_plugin() -> "type[Plugin[Any]]":
    """Return analysis."""
    from monitorme_analysis.plugin import Analysis

    return Analysis


@hookimpl
def monitorme_samples() -> Mapping[str, str]:
    """Return the default limits as a file."""
    from monitorme_analysis.limits import render_limits

    return {"limits.toml": render_limits()}
