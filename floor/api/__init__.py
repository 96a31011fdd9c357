"""The hall for other systems: JSON over HTTP, version 1. What is served here is a promise."""
