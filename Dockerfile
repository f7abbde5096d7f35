# syntax=docker/dockerfile:1
# The gateway as one static file in an empty image. examples/deploy/README.md says how it is run.
#
#   docker build -t pointsman:local .

FROM node:22-bookworm-slim AS node

FROM golang:1.26-bookworm AS build
COPY --from=node /usr/local/ /usr/local/
# One set of flags for the guests' tool, the dashboard's and the program itself: one compilation.
ENV CGO_ENABLED=0 GOFLAGS=-trimpath
WORKDIR /src
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/go/pkg/mod go mod download
# With .git, from which the program knows its version.
COPY . .
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build --mount=type=cache,target=/root/.npm \
    CI=true make guests dashboard
# Time zones are in the file, as rules may name one and an empty image has none.
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    go build -tags timetzdata -ldflags "-s -w" -o /out/pointsman ./host/cmd/pointsman
RUN mkdir -p /out/data /out/tmp

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build --chown=65532:65532 /out/data /var/lib/pointsman
COPY --from=build --chown=65532:65532 /out/tmp /tmp
COPY --from=build /out/pointsman /pointsman
ENV POINTSMAN_LISTEN=0.0.0.0:8080 POINTSMAN_DATA_DIR=/var/lib/pointsman
USER 65532:65532
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --start-interval=1s --retries=3 CMD ["/pointsman", "healthcheck"]
ENTRYPOINT ["/pointsman"]
CMD ["serve"]
