"""What went wrong in a business process, and what was done about it.

Comes in: policy packs and events. Goes out: the state of each exception, rebuilt from its log.
"""
