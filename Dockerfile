# Millwright in a container: one static binary, no shell, not root. The root
# file system may be read-only. Settings come from a properties file that is
# mounted at /etc/millwright/worker.properties, from CONNECT_* variables
# (CONNECT_BOOTSTRAP_SERVERS is bootstrap.servers), or from both.
#
#   docker build -t millwright .
#   docker run -p 8083:8083 -e CONNECT_BOOTSTRAP_SERVERS=broker:9092 -e CONNECT_GROUP_ID=plant \
#     -e CONNECT_CONFIG_STORAGE_TOPIC=plant-configs -e CONNECT_OFFSET_STORAGE_TOPIC=plant-offsets \
#     -e CONNECT_STATUS_STORAGE_TOPIC=plant-status \
#     -e CONNECT_KEY_CONVERTER=org.apache.kafka.connect.json.JsonConverter \
#     -e CONNECT_VALUE_CONVERTER=org.apache.kafka.connect.json.JsonConverter millwright

FROM golang:1.26 AS build
ARG VERSION=dev
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 go build -trimpath \
    -ldflags "-s -w -X github.com/millwright-connect/millwright/worker.Version=${VERSION}" \
    -o /millwright ./cmd/millwright

FROM gcr.io/distroless/static-debian12:nonroot
COPY --from=build /millwright /usr/local/bin/millwright
USER nonroot:nonroot
EXPOSE 8083
HEALTHCHECK --interval=15s --timeout=6s --start-period=10s CMD ["/usr/local/bin/millwright", "health"]
ENTRYPOINT ["/usr/local/bin/millwright"]
CMD ["worker"]
