"""A simulated Docker swarm: Docker's Engine API over a simulation of swarmkit.

The pure core (values and their transitions: no I/O, a clock that is moved by hand, randomness from
a seed) follows swarmkit's own parts one by one: ``store``, ``orchestrator``, ``restarts``,
``updater``, ``jobs``, ``scheduler``, ``reaper``, and for the engines ``agent`` and ``programs``.
``simulation`` puts them together; ``requests`` is what a manager does with a client's requests,
``faults`` breaks things on purpose. Around it are ``render`` (the API's JSON), ``server``,
``engine`` and ``control`` (the sockets). What it cannot simulate it refuses; it never invents an
answer.
"""
