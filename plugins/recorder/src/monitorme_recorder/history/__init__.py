"""Reading the past: the journal, InfluxDB, both joined, by bed and by patient."""
