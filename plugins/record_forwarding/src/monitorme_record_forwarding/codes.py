"""Codes of FHIR resources beyond what the catalogue knows.

Sources: HL7 FHIR R4 vital signs profiles; ISO/IEEE 11073-10101; UCUM; the vitals
implementation guide's sleep state value set (SNOMED CT).
"""

from typing import Final

LOINC: Final = "http://loinc.org"
MDC: Final = "urn:iso:std:iso:11073:10101"
UCUM: Final = "http://unitsofmeasure.org"
SNOMED: Final = "http://snomed.info/sct"
LOCAL: Final = "urn:stayhealthy:monitorme:vital"
CATEGORY: Final = "http://terminology.hl7.org/CodeSystem/observation-category"
ABSENT: Final = "http://terminology.hl7.org/CodeSystem/data-absent-reason"

PANEL: Final = "85353-1"
"""LOINC: vital signs, weight, height, head circumference, oxygen saturation and BMI."""
ALSO: Final = {"59408-5": ("2708-6",)}
"""LOINC codes that a profile asks for beside the catalogue's."""
VITAL_SIGNS: Final = frozenset({"8867-4", "9279-1", "59408-5", "8310-5", "85354-9"})
"""LOINC codes of the catalogue that a vital signs profile covers."""
STATES: Final = {
    "asleep": ("248220008", "Asleep"),
    "awake": ("248218005", "Awake"),
}
"""SNOMED CT codes of the states of sleep."""
UNIT_WORDS: Final = {"/min": "/min", "Cel": "Cel", "%": "%", "mm[Hg]": "mmHg"}
"""UCUM code to what people read."""
LEADS: Final = {"I": 131329, "II": 131330, "III": 131389}
"""MDC codes of ECG leads; 131328 for any other."""
ANY_LEAD: Final = 131328
