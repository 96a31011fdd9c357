"""The machines of the hall: how they join, what they are told, what they did, and how they are."""
