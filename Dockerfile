# Written for the classic builder as well: it has neither RUN --mount nor COPY --chmod.

# Pinned by the digests of their indexes, so that each architecture gets its own image of one build.
ARG PYTHON_IMAGE=python:3.13.15-slim-trixie@sha256:9d2e5553305c7c7b0097999bb17187c69b921ccd6bc9d40e4bb5ebe652c00285
# From 29.3 on the CLI speaks with engines from 19.03 on again; 29.0 to 29.2 need one of 25.0.
ARG CLI_IMAGE=docker:29.8.2-cli@sha256:b1805116a6a86cc591b5d5f60a910a0715cdcc9d18d866ad68b1457ead25c35c

FROM ${PYTHON_IMAGE} AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_COMPILE=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /src
# --without-pip: the virtual environment is copied into the image, pip has no work there.
RUN python -m venv --without-pip /opt/bot && python -m venv /opt/tools
COPY requirements/bot.lock requirements/build.lock requirements/
RUN pip --python /opt/bot/bin/python install --require-hashes -r requirements/bot.lock \
 && /opt/tools/bin/pip install --require-hashes -r requirements/build.lock
COPY pyproject.toml README.md LICENSE ./
COPY bot bot
COPY handlers handlers
# Bytecode is compiled here, for nothing can be written at run time; "unchecked" saves a look at
# every source file at each start.
RUN /opt/tools/bin/pip wheel --no-deps --no-build-isolation --wheel-dir /dist . \
 && pip --python /opt/bot/bin/python install --no-deps /dist/*.whl \
 && /opt/bot/bin/python -m compileall -q -j 0 --invalidation-mode unchecked-hash /opt/bot/lib

FROM ${CLI_IMAGE} AS cli

FROM ${PYTHON_IMAGE}
LABEL org.opencontainers.image.title="Orochi stack bot" \
      org.opencontainers.image.description="ChatOps for Docker Swarm with verified outcomes" \
      org.opencontainers.image.licenses="MIT"
COPY --from=cli /usr/local/bin/docker /usr/local/bin/docker
COPY --from=build /opt/bot /opt/bot
ENV PATH=/opt/bot/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONSAFEPATH=1 PYTHONUNBUFFERED=1
# A picture is one block of memory, which goes back to the system as soon as it is drawn.
ENV PILLOW_BLOCK_SIZE=128m
WORKDIR /tmp
# As root: the swarm's control socket lets nobody else in, and docker.sock belongs to root and to a
# group whose number differs from machine to machine. No capability is needed: the stack file drops
# all of them and mounts the root file system read-only.
USER root
STOPSIGNAL SIGTERM
# A socket and nothing else is imported: a probe takes a few hundredths of a second.
HEALTHCHECK --interval=5s --timeout=3s --start-period=15s --retries=3 CMD ["python", "-I", "-S", "-c", "import os, socket\nhost = os.environ.get('BOT_HTTP_HOST') or '127.0.0.1'\nhost = {'0.0.0.0': '127.0.0.1', '::': '::1'}.get(host, host)\nport = int(os.environ.get('BOT_HTTP_PORT') or 8080)\ndoor = socket.create_connection((host, port), 2)\ndoor.sendall(b'GET /healthz HTTP/1.0\\r\\n\\r\\n')\nstatus = door.makefile('rb').readline()\nraise SystemExit(b' 200 ' not in status)"]
# One process: the bot itself takes SIGTERM as process 1.
ENTRYPOINT ["python", "-m", "bot"]
CMD ["run"]
