"""The body: couples what the organs do, and lets a scenario pull them, each second.

The order of a second: sleep, temperature, breathing, oxygen, heart, pressure, glucose.
A scenario's pull acts on each before the next follows it, so that a fever quickens the
heart, and a pause in breathing lowers the saturation, without the scenario saying so.
"""

from collections import deque
from dataclasses import dataclass
from random import Random

from monitorme_device_sim.course import Course, Moment
from monitorme_device_sim.physiology import oxygen, temperature
from monitorme_device_sim.physiology.breathing import Breathing
from monitorme_device_sim.physiology.drift import Drift
from monitorme_device_sim.physiology.glucose import Glucose
from monitorme_device_sim.physiology.pressure import Pressure, Vessels
from monitorme_device_sim.physiology.profile import Profile
from monitorme_device_sim.physiology.sleep import ASLEEP_ABOVE, Sleep
from monitorme_device_sim.scenarios import Parameter, Rhythm

HEART_RATE_DIP_SHARE = 0.09
"""Heart rate is 8 to 10 % lower asleep."""
REMEMBERED_S = 16


@dataclass(frozen=True, slots=True)
class BodyState:
    """The body at one second."""

    at_s: int
    moment: Moment
    asleep: bool
    body_temperature: float
    respiratory_rate: float
    oxygen_saturation: float
    heart_rate: float
    pressure: Pressure
    blood_glucose: float
    breaths: float
    """Breaths since the start, whole and part."""

    @property
    def rhythm(self) -> Rhythm:
        """Return what the heart does."""
        return self.moment.rhythm

    @property
    def has_pulse(self) -> bool:
        """Say whether blood flows."""
        return self.rhythm != "asystole" and self.heart_rate >= 1

    def breath_phase(self, at_ms: float) -> float:
        """Return where in the breath the chest is within this second, in turns."""
        since_s = at_ms / 1_000 - self.at_s
        return self.breaths + self.respiratory_rate / 60 * since_s


class Body:
    """A patient's body, from `from_s` seconds (mostly before the start) onwards."""

    def __init__(
        self,
        profile: Profile,
        seed: int,
        *,
        start_time_of_day_s: float,
        course: Course,
        from_s: int,
    ) -> None:
        self._profile = profile
        self._course = course
        self._midnight_s = start_time_of_day_s
        self._sleep = Sleep(profile, seed)
        self._temperature = temperature.Temperature(profile, seed)
        self._breathing = Breathing(profile, seed)
        self._oxygen = oxygen.Oxygen(profile, seed)
        self._vessels = Vessels(profile, seed)
        self._glucose = Glucose(profile, seed)
        rng = Random(f"{seed}:heart drift")
        self._heart_drift = Drift(rng, spread=1.8, time_constant_s=90)
        self._breaths = rng.random()
        self._states: deque[BodyState] = deque(maxlen=REMEMBERED_S)
        self._next_s = from_s

    def at(self, at_ms: float) -> BodyState:
        """Return the body at a time, which may lie a few seconds behind the newest."""
        second = int(at_ms // 1_000)
        while self._next_s <= second:
            self._states.append(self._live_one_second(self._next_s))
            self._next_s += 1
        return self._states[max(second - self._next_s, -len(self._states))]

    def _live_one_second(self, at_s: int) -> BodyState:
        moment = self._course.at(at_s)
        clock_s = self._midnight_s + at_s
        depth = _pulled(moment, "sleep_depth", self._sleep.depth(clock_s))
        warmth = _pulled(moment, "body_temperature", self._temperature.step(depth))
        fever = temperature.fever_cel(self._profile, warmth)
        breathing = self._breathing.step(depth, fever)
        breathing = _pulled(moment, "respiratory_rate", breathing)
        saturation = self._oxygen.step(depth, breathing)
        saturation = _pulled(moment, "oxygen_saturation", saturation)
        saturation = min(100.0, saturation)
        rate = _pulled(moment, "heart_rate", self._own_rate(depth, fever, saturation))
        pressure = _pressed(moment, self._vessels.step(depth, rate))
        sugar = _pulled(moment, "blood_glucose", self._glucose.step(clock_s))
        breaths, self._breaths = self._breaths, self._breaths + breathing / 60
        return BodyState(
            at_s=at_s,
            moment=moment,
            asleep=depth > ASLEEP_ABOVE,
            body_temperature=warmth,
            respiratory_rate=breathing,
            oxygen_saturation=saturation,
            heart_rate=rate,
            pressure=pressure,
            blood_glucose=sugar,
            breaths=breaths,
        )

    def _own_rate(self, depth: float, fever_cel: float, saturation: float) -> float:
        """Return the heart rate that the rest of the body asks for."""
        resting = self._profile.heart_rate * (1 - HEART_RATE_DIP_SHARE * depth)
        driven = temperature.HEART_RATE_PER_CEL * fever_cel
        driven += oxygen.heart_rate_rise(saturation)
        return resting + driven + self._heart_drift.step()


def _pulled(moment: Moment, name: Parameter, own: float) -> float:
    pull = moment.pulls.get(name)
    return own if pull is None else max(0.0, pull.of(own))


def _pressed(moment: Moment, own: Pressure) -> Pressure:
    """Return the pressure under a scenario; diastolic follows an aimed systolic."""
    systolic = _pulled(moment, "systolic", own.systolic)
    followed = own.diastolic * systolic / own.systolic
    diastolic = _pulled(moment, "diastolic", followed)
    return Pressure(systolic, min(diastolic, systolic))
