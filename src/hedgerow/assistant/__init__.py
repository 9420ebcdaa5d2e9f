"""What customers of a bank asked an assistant, and what it did.

Comes in: interactions. Goes out: figures over them.
"""
