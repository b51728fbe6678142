"""Accounts: who there is, and who may do what."""
