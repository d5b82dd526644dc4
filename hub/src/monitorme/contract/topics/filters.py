"""What to subscribe to: filters for topics, narrowed to wards, and what they match."""

from monitorme.contract.topics.topic import PREFIX, DeviceChannel, check_id


def vital_filter(*, ward: str = "+", bed: str = "+", vital: str = "+") -> str:
    """Return the filter for readings."""
    return f"{PREFIX}{ward}/{bed}/vital/{vital}"


def device_filter(
    channel: DeviceChannel, *, ward: str = "+", bed: str = "+", device: str = "+"
) -> str:
    """Return the filter for one channel of devices."""
    return f"{PREFIX}{ward}/{bed}/device/{device}/{channel}"


def admission_filter(*, ward: str = "+", bed: str = "+") -> str:
    """Return the filter for admissions."""
    return f"{PREFIX}{ward}/{bed}/admission"


def condition_filter(*, ward: str = "+", bed: str = "+", code: str = "+") -> str:
    """Return the filter for conditions."""
    return f"{PREFIX}{ward}/{bed}/condition/{code}"


def alarm_filter(*, ward: str = "+", bed: str = "+", code: str = "+") -> str:
    """Return the filter for alarms."""
    return f"{PREFIX}{ward}/{bed}/alarm/{code}"


def limits_filter(*, ward: str = "+", bed: str = "+") -> str:
    """Return the filter for the limits in force."""
    return f"{PREFIX}{ward}/{bed}/limits"


def event_filter(*, ward: str = "+", bed: str = "+") -> str:
    """Return the filter for events."""
    return f"{PREFIX}{ward}/{bed}/event"


def command_filter(service: str, *, verb: str = "+") -> str:
    """Return the filter for the requests that `service` takes."""
    return f"{PREFIX}command/{service}/{verb}"


def service_filter(*, service: str = "+", instance: str = "+") -> str:
    """Return the filter for the state of services."""
    return f"{PREFIX}service/{service}/{instance}"


def narrow(topic_filter: str, wards: tuple[str, ...]) -> tuple[str, ...]:
    """Return the filters that restrict `topic_filter` to `wards`.

    Only a filter whose ward level is `+` is narrowed; no wards means all of them.
    """
    prefix = PREFIX + "+/"
    if not wards or not topic_filter.startswith(prefix):
        return (topic_filter,)
    rest = topic_filter[len(prefix) :]
    return tuple(f"{PREFIX}{check_id(ward, 'ward')}/{rest}" for ward in wards)


def matches(topic_filter: str, topic: str) -> bool:
    """Say whether an MQTT filter matches a topic name (MQTT 3.1.1, section 4.7)."""
    wanted, given = topic_filter.split("/"), topic.split("/")
    if topic.startswith("$") and wanted[0] in {"+", "#"}:
        return False
    for position, level in enumerate(wanted):
        if level == "#":
            return True
        if position >= len(given) or level not in {"+", given[position]}:
            return False
    return len(wanted) == len(given)
