"""Boxes with keys and readers, as they reach the computer: lines that come back by themselves, frames, and what keys mean."""
