"""The seam by which a distribution adds rules to analysis.

It names its module under the entry point group `monitorme.rules`; the module implements
this hook with `@hookimpl`.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import pluggy

if TYPE_CHECKING:
    from monitorme_analysis.rule import Rule

ENTRY_POINT_GROUP: Final = "monitorme.rules"

hookspec = pluggy.HookspecMarker("monitorme_rules")
hookimpl = pluggy.HookimplMarker("monitorme_rules")


@hookspec
def monitorme_rules() -> "Sequence[type[Rule[Any, Any]]]":  # type: ignore[empty-body]  # a declaration
    """Return the rule classes that this distribution provides."""
