FROM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 go build -trimpath -ldflags "-s -w" -o /postern .

# The certificates of public authorities are all that the binary wants from a
# file system besides its configuration.
FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /postern /postern
USER 65532:65532
EXPOSE 4485
ENTRYPOINT ["/postern"]
CMD ["run"]
