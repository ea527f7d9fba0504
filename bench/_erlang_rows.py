"""The table that formulas and simulator are held to: Erlang C and Erlang A worked out elsewhere, service level at 20 s.

Used by bench/routing_oracles.py and by the pure tests of formulas and simulator.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """One line of traffic on so many agents; `patience` None where nobody leaves, `p90` None where it is not in the table."""

    per_hour: float
    handle: float
    patience: float | None
    agents: int
    wait_probability: float
    abandoned: float
    asa: float
    service_level: float
    occupancy: float
    p90: float | None = None

    @property
    def name(self) -> str:
        """Such as `100/h x 180 s on 7`."""
        leaving = f", patience {self.patience:g} s" if self.patience else ""
        return f"{self.per_hour:g}/h x {self.handle:g} s on {self.agents}{leaving}"


ERLANG_C = (
    Row(30, 300, None, 4, 0.3199, 0.0, 63.97, 0.7106, 0.625, 232.5),
    Row(60, 180, None, 5, 0.2362, 0.0, 21.25, 0.8109, 0.600, 77.3),
    Row(100, 180, None, 6, 0.5875, 0.0, 105.75, 0.4743, 0.833, 318.7),
    Row(100, 180, None, 7, 0.3241, 0.0, 29.17, 0.7404, 0.714, 105.8),
    Row(100, 180, None, 8, 0.1673, 0.0, 10.04, 0.8801, 0.625, 30.9),
    Row(120, 240, None, 11, 0.2450, 0.0, 19.60, 0.8092, 0.727, 71.7),
    Row(200, 180, None, 13, 0.2853, 0.0, 17.12, 0.7956, 0.769, 62.9),
    Row(360, 240, None, 28, 0.3331, 0.0, 19.99, 0.7613, 0.857, 72.2),
    Row(360, 240, None, 29, 0.2423, 0.0, 11.63, 0.8403, 0.828, 42.5),
    Row(600, 300, None, 55, 0.3845, 0.0, 23.07, 0.7245, 0.909, 80.8),
    Row(1000, 200, None, 60, 0.4522, 0.0, 20.35, 0.7100, 0.926, 67.9),
)

ERLANG_A = (
    Row(100, 180, 60, 5, 0.4495, 0.2193, 9.24, 0.6515, 0.781),
    Row(100, 180, 120, 6, 0.3558, 0.1123, 10.85, 0.7320, 0.740),
    Row(200, 180, 120, 10, 0.4969, 0.1375, 14.55, 0.6399, 0.863),
    Row(360, 240, 180, 24, 0.4935, 0.0869, 14.62, 0.6655, 0.913),
    Row(360, 240, 180, 26, 0.3454, 0.0519, 8.59, 0.7909, 0.875),
    Row(600, 300, 90, 50, 0.3791, 0.0727, 5.92, 0.8164, 0.927),
)
