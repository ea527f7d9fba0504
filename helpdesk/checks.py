"""System checks of the house: flow.py is whole, and settings make sense together."""
