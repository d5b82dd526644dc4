"""What `monitorme history` prints for people."""

from collections.abc import Sequence
from typing import Any, Final

from rich.console import Console
from rich.text import Text

from monitorme.contract.vitals import Catalogue, Vital
from monitorme.errors import MonitorMeError
from monitorme_recorder.terminal import printing
from monitorme_recorder.terminal.asking import Asking, Whose
from monitorme_recorder.terminal.printing import Curve
from monitorme_recorder.terminal.times import local

TABLE_ROWS: Final = 24
MIN_WIDTH: Final = 40
MOST_READINGS: Final = 20_000


class Showing:
    """Asks about somebody and a time, and prints tables or plots."""

    def __init__(
        self,
        asking: Asking,
        whose: Whose,
        catalogue: Catalogue,
        period: dict[str, int],
    ) -> None:
        self._asking = asking
        self._whose = whose
        self._catalogue = catalogue
        self._period = period
        self._console = Console(highlight=False)
        self._width = max(MIN_WIDTH, self._console.width)

    def show(self, vitals: Sequence[str], *, as_plot: bool) -> None:
        """Print the vitals that are named, or all."""
        count = printing.columns_in(self._width) if as_plot else TABLE_ROWS
        wanted = [(name, self._vital(name)) for name in vitals or self._catalogue]
        self._console.print(self._title())
        curves: list[Curve] = []
        for name, vital in wanted:
            if printing.has_numbers(vital):
                curves += self._curves(name, vital, count)
            elif vitals:
                self._show_others(name, vital)
        if not vitals:
            curves = self._with_readings(curves)
        self._print(curves, as_plot=as_plot, in_detail=len(vitals) == 1)
        is_about_numbers = bool(curves) or not vitals
        if is_about_numbers and not any(curve.buckets for curve in curves):
            self._say("no numbers in this time; --last 2d looks further back")

    def _with_readings(self, curves: list[Curve]) -> list[Curve]:
        silent = [curve.title for curve in curves if not curve.buckets]
        if 0 < len(silent) < len(curves):
            self._say("nothing of " + ", ".join(silent))
        return [curve for curve in curves if curve.buckets]

    def _print(self, curves: list[Curve], *, as_plot: bool, in_detail: bool) -> None:
        if as_plot:
            for curve in curves:
                for line in printing.picture(curve, self._width):
                    self._console.print(line)
        elif in_detail:
            for curve in curves:
                self._console.print(Text(curve.title, style="bold"))
                self._console.print(printing.details(curve))
        elif curves:
            self._console.print(printing.summary(curves))

    def _show_others(self, name: str, vital: Vital) -> None:
        """Print a state's changes, or how many blocks of a waveform there are."""
        fields = {**self._period, "vital": name, "limit": MOST_READINGS}
        found = self._asking.get(f"{self._whose.path}/history", fields)["readings"]
        if vital.states:
            self._console.print(printing.words(found))
        else:
            self._say(f"{len(found):,} blocks of {vital.name}; --csv gives the samples")

    def _curves(self, name: str, vital: Vital, count: int) -> list[Curve]:
        parts = [name]
        if vital.components and "." not in name:
            parts = [f"{name}.{component}" for component in vital.components]
        return [self._curve(part, vital, count) for part in parts]

    def _curve(self, name: str, vital: Vital, count: int) -> Curve:
        fields: dict[str, Any] = {**self._period, "vital": name}
        buckets = {**fields, "buckets": count}
        found = self._asking.get(f"{self._whose.path}/history", buckets)
        gaps = self._asking.get(f"{self._whose.path}/gaps", fields)
        begin_ms, end_ms = self._period["from_ms"], self._period["to_ms"]
        return Curve(name, vital, begin_ms, end_ms, found["buckets"], gaps)

    def _vital(self, name: str) -> Vital:
        vital = self._catalogue.get(name.partition(".")[0])
        if vital is None:
            known = ", ".join(self._catalogue)
            raise MonitorMeError(f"no vital {name!r}; there are {known}")
        return vital

    def _title(self) -> Text:
        begin, end = (local(self._period[name]) for name in ("from_ms", "to_ms"))
        return Text.assemble((self._whose.name, "bold"), f"  {begin} to {end}")

    def _say(self, text: str) -> None:
        self._console.print(Text(text, style="dim"))
