"""A client of swarmkit's Watch API, which every manager serves on its control socket.

``client`` speaks gRPC; ``reading`` turns its messages into batches of events; ``objects`` converts
single objects into the domain's values; ``trust`` reads the certificate for verifying the
manager's; ``watch_pb2`` is generated from ``watch.proto`` by ``generate.sh``.
"""
