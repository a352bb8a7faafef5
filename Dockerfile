# SPDX-License-Identifier: MIT
#   docker build -t rubellite .
#   docker run -p 127.0.0.1:6379:6379 -v rubellite:/data rubellite
#   docker run ... rubellite --requirepass secret --appendfsync always     (more directives)

FROM debian:12 AS build
RUN apt-get update \
    && apt-get install -y --no-install-recommends gcc libc6-dev make cmake pkg-config \
        libuv1-dev libsqlite3-dev libxxhash-dev libjemalloc-dev \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /source
COPY . .
RUN cmake -S . -B /build -DRUBELLITE_TESTS=OFF -DRUBELLITE_BENCH=OFF \
    && cmake --build /build -j "$(nproc)" --target rubellite-server rubellite \
    && strip /build/rubellite-server /build/rubellite

FROM debian:12-slim
LABEL org.opencontainers.image.title="Rubellite" \
    org.opencontainers.image.description="Speaks the Redis protocol, keeps its data in SQLite" \
    org.opencontainers.image.licenses="MIT"
RUN apt-get update \
    && apt-get install -y --no-install-recommends \
        libuv1 libsqlite3-0 libxxhash0 libjemalloc2 redis-tools sqlite3 \
    && rm -rf /var/lib/apt/lists/* \
    && groupadd --system --gid 999 rubellite \
    && useradd --system --uid 999 --gid 999 --home-dir /data --shell /usr/sbin/nologin rubellite \
    && install -d -o rubellite -g rubellite -m 0750 /data
COPY --from=build /build/rubellite-server /build/rubellite /usr/local/bin/
USER rubellite
WORKDIR /data
VOLUME /data
EXPOSE 6379
STOPSIGNAL SIGTERM
# With a password the answer is NOAUTH, which shows as well that the server is alive.
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s \
    CMD redis-cli -h 127.0.0.1 -p 6379 ping | grep -Eq 'PONG|NOAUTH'
# A container is reached through the ports it publishes, so it listens on all addresses; set a
# password (--requirepass) before publishing one beyond this machine.
ENTRYPOINT ["rubellite-server", "--dir", "/data", "--bind", "*", "-::*", "--protected-mode", "no"]
CMD []
