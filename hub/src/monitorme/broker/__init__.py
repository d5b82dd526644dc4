"""The MQTT broker as a process of ours: Mosquitto, or amqtt for trial and tests."""

from monitorme.broker.process import BrokerProcess, choose, find_mosquitto

__all__ = ["BrokerProcess", "choose", "find_mosquitto"]
