"""What agents remember, searchable by meaning inside one tenant.

Comes in: the agents. Goes out: memories nearest to a question.
"""
