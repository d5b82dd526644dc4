"""Topics: what is built is parsed back, and nothing else is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitorme.contract import topics
from monitorme.contract.topics import (
    AdmissionTopic,
    AlarmTopic,
    BedId,
    CommandTopic,
    ConditionTopic,
    DeviceTopic,
    EventTopic,
    LimitsTopic,
    ReplyTopic,
    ServiceTopic,
    Topic,
    VitalTopic,
)
from monitorme.errors import ContractError

ids = st.from_regex(r"[a-z0-9-]{1,64}", fullmatch=True).filter(
    lambda text: text not in topics.RESERVED_WARDS
)
names = st.from_regex(r"[a-z0-9_]{1,64}", fullmatch=True)
beds = st.builds(BedId, ids, ids)
channels = st.sampled_from(["status", "durable", "command"])
any_topic: st.SearchStrategy[Topic] = st.one_of(
    st.builds(VitalTopic, beds, names),
    st.builds(
        DeviceTopic, beds, ids, st.sampled_from(["status", "durable", "command"])
    ),
    st.builds(AdmissionTopic, beds),
    st.builds(ConditionTopic, beds, names),
    st.builds(AlarmTopic, beds, names),
    st.builds(LimitsTopic, beds),
    st.builds(EventTopic, beds),
    st.builds(CommandTopic, names, names),
    st.builds(ReplyTopic, ids),
    st.builds(ServiceTopic, names, ids),
)


@given(any_topic)
def test_a_topic_is_parsed_back_as_it_was_built(topic: Topic) -> None:
    assert topics.parse(str(topic)) == topic


@given(st.text(max_size=80))
def test_anything_else_is_no_topic_of_ours(text: str) -> None:
    parsed = topics.parse(text)
    assert parsed is None or str(parsed) == text


@pytest.mark.parametrize(
    "topic",
    [
        "monitorme/v2/ward-a/bed-01/admission",
        "monitorme/v1/ward-a/bed-01",
        "monitorme/v1/ward-a/bed-01/vital",
        "monitorme/v1/ward-a/bed-01/vital/heart rate",
        "monitorme/v1/Ward/bed-01/admission",
        "monitorme/v1/ward-a/bed-01/device/d-1/secrets",
        "monitorme/v1/ward-a/bed-01/admission/",
        "monitorme/v1/service/recorder",
        "/monitorme/v1/ward-a/bed-01/admission",
        "$SYS/broker/uptime",
        "",
    ],
)
def test_unknown_topics_are_ignored(topic: str) -> None:
    assert topics.parse(topic) is None


@pytest.mark.parametrize("ward", ["command", "reply", "service", "", "A", "a" * 65])
def test_a_ward_cannot_be_called_so(ward: str) -> None:
    with pytest.raises(ContractError):
        BedId(ward, "bed-01")


@pytest.mark.parametrize(
    ("topic_filter", "topic", "does"),
    [
        ("a/b", "a/b", True),
        ("a/+", "a/b", True),
        ("a/+", "a/b/c", False),
        ("a/#", "a", True),
        ("a/#", "a/b/c", True),
        ("#", "a/b", True),
        ("#", "$SYS/x", False),
        ("+/x", "$SYS/x", False),
        ("$SYS/#", "$SYS/x", True),
        ("+", "/a", False),
        ("+/+", "/a", True),
        ("a/+/c", "a//c", True),
        ("a", "a/", False),
    ],
)
def test_filters_match_as_mqtt_says(topic_filter: str, topic: str, does: bool) -> None:
    assert topics.matches(topic_filter, topic) is does


def test_filters_are_narrowed_to_wards() -> None:
    wanted = topics.vital_filter()
    assert topics.narrow(wanted, ()) == (wanted,)
    assert topics.narrow(wanted, ("a", "b")) == (
        "monitorme/v1/a/+/vital/+",
        "monitorme/v1/b/+/vital/+",
    )
    command = topics.command_filter("alerting")
    assert topics.narrow(command, ("a",)) == (command,)


@given(any_topic)
def test_every_topic_of_a_bed_is_matched_by_its_narrowed_filter(topic: Topic) -> None:
    bed = getattr(topic, "bed", None)
    if isinstance(bed, BedId) and isinstance(topic, VitalTopic):
        (narrowed,) = topics.narrow(topics.vital_filter(), (bed.ward,))
        assert topics.matches(narrowed, str(topic))
