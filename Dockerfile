# docker build --build-arg VERSION=v1.2.3 --build-arg REVISION=$(git rev-parse HEAD) -t postern .
# podman build --format docker …: the OCI format has no health check.
# with --build-arg TAGS=otel -t postern:otel: exports spans, 5 MB more
#
# A test follows this file without an engine (image_test.go), so RUN stays within
# WORKDIR.

FROM --platform=$BUILDPLATFORM golang:1.26.8-bookworm AS build
ARG TARGETOS TARGETARCH
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION TAGS
# Nothing of the machine, the day or the folder gets into the binary: the same
# sources give the same bytes.
RUN CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH \
    go build -trimpath -buildvcs=false -tags "$TAGS" \
    -ldflags "-s -w -X postern/gateway/version.stamp=$VERSION" -o dist/postern . \
    && mkdir -m 700 dist/keep

# The certificates of public authorities are all that the binary wants from a
# file system besides its configuration, and a place of its own to write to.
FROM scratch
ARG VERSION REVISION
LABEL org.opencontainers.image.title="Postern" \
      org.opencontainers.image.description="An edge microgateway beside one service" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION"
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build --chown=65532:65532 /src/dist/keep /var/lib/postern
COPY --from=build /src/dist/postern /postern
USER 65532:65532
VOLUME /var/lib/postern
EXPOSE 4485 4486
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s CMD ["/postern", "health"]
ENTRYPOINT ["/postern"]
CMD ["run"]
