# syntax=docker/dockerfile:1
FROM node:20-bookworm-slim AS web
WORKDIR /src/web
COPY web/package.json web/package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY web/ ./
RUN npm run build

FROM golang:1.26-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
COPY --from=web /src/web/dist web/dist
ARG VERSION=dev
RUN CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X main.version=${VERSION}" -o /postrider ./cmd/postrider

FROM debian:bookworm-slim
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates libssl3 && rm -rf /var/lib/apt/lists/* \
 && useradd --system --uid 10001 --home-dir /var/lib/postrider --create-home postrider
COPY --from=build /postrider /usr/local/bin/postrider
USER postrider
ENV POSTRIDER_DATA_DIR=/var/lib/postrider POSTRIDER_LISTEN=0.0.0.0:8080 POSTRIDER_LOG_FORMAT=json
# The journal and, without POSTRIDER_SECRET_KEY, the secret key. It must survive a restart of the container.
VOLUME /var/lib/postrider
EXPOSE 8080
# A stop waits for messages on the wire: give it longer than the default ten seconds.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s CMD ["postrider", "health"]
ENTRYPOINT ["postrider"]
CMD ["serve"]
