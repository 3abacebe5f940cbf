"""A stand-in for GOV.UK Notify: its API over real HTTP on this machine, and an inbox to look into."""
