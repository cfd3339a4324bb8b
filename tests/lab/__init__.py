"""The lab: a real Docker swarm of several engines on this one machine.

`swarm.Lab` brings it up within seconds and takes it down without a trace; `images` makes
images without a registry; `redis` runs a real Redis server. ``python -m tests.lab`` serves
people at a terminal.
"""
