"""What must hold. A package by name, so that no library that installs its own tests stands in front of it."""
