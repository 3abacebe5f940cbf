"""Codes that HMRC's messages about pay have in common."""

from __future__ import annotations

from typing import Final

from gateway.core.groups.group import Frequency

# How often somebody is paid: PayFreq of a Full Payment Submission, payFrequency of real-time income.
FREQUENCIES: Final[dict[str, Frequency]] = {
    "W1": "weekly",
    "W2": "fortnightly",
    "W4": "four_weekly",
    "M1": "monthly",
    "M3": "quarterly",
    "M6": "half_yearly",
    "MA": "annual",
    "IO": "one_off",
    "IR": "irregular",
}
