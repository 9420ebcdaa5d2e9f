"""Who did what, in a chain that cannot be changed without being noticed.

Comes in: entries. Goes out: proof that nothing was changed, or the first place where it was.
"""
