"""Customers, their health and renewals, and the agents that work for them.

Comes in: the people of tenancy. Goes out: customers at risk, renewals to come.
"""
