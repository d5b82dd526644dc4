"""InfluxDB as the time-series store: shipped to in order, read for history."""
