"""The cases, one file per family."""
