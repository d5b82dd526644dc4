"""The commands of `monitorme`, a module each, imported when called."""
