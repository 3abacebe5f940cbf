"""A gateway to practise on: made-up parties, time that can be moved, faults on request, a verdict."""
