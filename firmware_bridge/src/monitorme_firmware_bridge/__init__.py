"""Speaks the protocols of devices that do not speak MQTT, and publishes for them."""
