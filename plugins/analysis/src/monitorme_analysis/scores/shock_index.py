"""The shock index: heart rate over systolic pressure.

Sources: Allgoewer and Burri 1967, "Schockindex" (Dtsch. Med. Wochenschr. 92:1947), 0.5 to
0.7 in healthy adults; Rady et al. 1994 (Ann. Emerg. Med. 24:685), above 0.9 illness that
needs treatment at once; Koch et al. 2019 (Open Access Emerg. Med. 11:179), above 1.0 more
deaths. It misleads under beta blockers, with a pacemaker, in pregnancy and in children.
"""

from typing import Final

RAISED: Final = 0.9
HIGH: Final = 1.0


def shock_index(heart_rate: float | None, systolic_mmhg: float | None) -> float | None:
    """Return the index, to two digits; None where an input is not known."""
    if heart_rate is None or systolic_mmhg is None or systolic_mmhg <= 0:
        return None
    return round(heart_rate / systolic_mmhg, 2)
