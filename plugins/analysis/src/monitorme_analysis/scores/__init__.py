"""Early warning scores: tables, what is missing, the response that they ask for."""
