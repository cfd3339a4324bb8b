"""The lab: a real Docker swarm of several engines on one machine.

`swarm.Lab` starts it within seconds and removes it completely; `images` makes images without a
registry; `redis` runs a real Redis server. ``python -m tests.lab`` is its command line.
"""
