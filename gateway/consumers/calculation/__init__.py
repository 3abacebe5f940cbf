"""Calculation: income, and the maintenance that the law makes of it, step by step."""
