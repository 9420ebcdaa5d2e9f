"""Features of entities as they were known at each moment.

Comes in: definitions and values. Goes out: online features and point-in-time correct training frames.
"""
