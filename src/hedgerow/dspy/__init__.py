"""How prompts are optimised, with what result, and which prompt is in use.

Comes in: the agents. Goes out: the active prompt and the examples to train it on.
"""
