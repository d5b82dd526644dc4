"""The wire contract, version 1: topics, vitals, payloads and their schemas."""
