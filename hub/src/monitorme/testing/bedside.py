"""A patient in a bed and a device beside it, for a run of one plugin."""

from typing import Any

from monitorme.contract.payloads import Admission
from monitorme.contract.readings import QualityWord, Reading, ReadingValue
from monitorme.contract.topics import AdmissionTopic, BedId, VitalTopic
from monitorme.testing.harness import PluginRun


class Bedside:
    """Admits patients to a bed, and sends what the one device there takes."""

    def __init__(self, run: PluginRun, bed: BedId) -> None:
        self.run = run
        self.bed = bed
        self.seq = 0

    def admit(
        self, admission: str = "a-1", bed: BedId | None = None, **more: Any
    ) -> None:
        """Say that a grown-up came just now, unless `more` says otherwise."""
        fields = {
            "admission": admission,
            "patient": "p-1",
            "name": "Ada",
            "mrn": "1",
            "category": "adult",
            "admitted_ms": self.run.now_ms,
            "since_ms": self.run.now_ms,
            **more,
        }
        someone = Admission.model_validate(fields, strict=False)
        self.run.send(AdmissionTopic(bed or self.bed), someone, retain=True)

    def send(
        self,
        vital: str,
        value: ReadingValue,
        bed: BedId | None = None,
        *,
        reason: str | None = None,
        at_ms: int | None = None,
        seq: int | None = None,
    ) -> None:
        """Send a reading, the device's next and of now, unless told otherwise."""
        self.seq = seq or self.seq + 1
        quality: QualityWord = "invalid" if value is None else "good"
        time_ms = self.run.now_ms if at_ms is None else at_ms
        reading = Reading("d-1", "b1", self.seq, time_ms, value, quality, reason)
        self.run.send(VitalTopic(bed or self.bed, vital), reading.to_json())
