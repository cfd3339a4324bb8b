"""The chaos harness: whole bots, a real Redis, the Slack emulator and the simulated swarm.

Everything that goes wrong, and everything that people type, is drawn from a seed (`schedule`). The
`stage` has the processes and the ways between them, which can be cut; `play` performs a schedule on
it and records what happened. The `invariants` are pure functions over that record.

    python -m tests.chaos --seeds 25            seeds 1 to 25, several side by side
    python -m tests.chaos --replay 17           the seed 17 alone, with all that is known about it
"""
