"""Finds what is wrong with a patient or a device, and says so as conditions."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from monitorme import hookimpl

if TYPE_CHECKING:
    import click

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


@hookimpl
def monitorme_commands() -> "Sequence[click.Command]":
    """Return `monitorme analysis`."""
    from monitorme_analysis.commands import analysis

    return [analysis]
