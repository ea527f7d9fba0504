"""The pure core of routing: who is offered what, when, and why; no Django, no clock, no chance but by a seed.

Time comes as an argument and rows as dataclasses, so that the dispatcher, the simulation, the dry run and the replay of
a day run the same code. `needs` holds requirements on skills, `engine` the data that goes in and comes out,
`strategies` the order among agents, `pool` the decisions, `explain` their reasons.
"""
