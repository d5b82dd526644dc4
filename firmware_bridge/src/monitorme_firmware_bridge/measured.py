"""From what a decoder says to a reading of the contract, or the reason why not."""

from dataclasses import replace

from monitorme.contract.readings import Reading, check_kind, decode_reading
from monitorme.contract.vitals import Catalogue
from monitorme.errors import ContractError
from monitorme_firmware_bridge.decoder import Measurement, Name


def reading_of(
    one: Measurement, device: str, name: Name, catalogue: Catalogue, now_ms: int
) -> Reading:
    """Return a measurement as a reading.

    A value that the contract or the catalogue forbids makes an invalid reading, so that
    it is seen and its seq is no gap.

    Raises:
        ContractError: the vital, the time or the name cannot be used.
    """
    vital = catalogue.get(one.vital)
    if vital is None:
        raise ContractError(
            f"the catalogue has no vital {one.vital!r}", reason="unknown_vital"
        )
    try:
        reading = decode_reading(_reading(one, device, name, now_ms).to_json())
        check_kind(reading.value, vital)
        return reading
    except ContractError:
        spoilt = replace(one, value=None, quality="invalid", reason="malformed")
        return decode_reading(_reading(spoilt, device, name, now_ms).to_json())


def _reading(one: Measurement, device: str, name: Name, now_ms: int) -> Reading:
    boot, seq = name
    time_ms = now_ms if one.time_ms is None else one.time_ms
    return Reading(device, boot, seq, time_ms, one.value, one.quality, one.reason)
