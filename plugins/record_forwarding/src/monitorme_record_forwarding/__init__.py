"""Sends patient snapshots to MyMedicalData and keeps them until they are accepted."""
