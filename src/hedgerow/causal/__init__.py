"""What causes what, how hard it was tried to refute it, and whether it may be acted upon.

Comes in: patients and splits. Goes out: the gate: proceed, review or block.
"""
