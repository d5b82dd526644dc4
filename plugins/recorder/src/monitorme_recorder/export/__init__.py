"""History for other programs: CSV, JSON, JSON lines and Parquet, written as it is read."""
