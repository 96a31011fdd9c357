"""The program on the kiosk or window box: it holds the link to the hall and does what the hall asks exactly once."""

VERSION = "1.0.0"
