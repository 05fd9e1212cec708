#!/usr/bin/env bash
# The stack of docker-compose.yml without containers: Apache Kafka, copydesk, the feeder and Prometheus as processes, with the
# configuration files of deploy/. Shows that the target is up, that promtool accepts metrics, rules and configuration, and
# that every query of the dashboard and every alert expression works. Everything it starts, it stops.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

for tool in java curl jq prometheus promtool; do
    command -v "$tool" >/dev/null || {
        echo "stack.sh: needs $tool (Debian: apt-get install openjdk-17-jre-headless maven curl jq prometheus)" >&2
        exit 3
    }
done

work=$(mktemp -d)
pids=()
stop() {
    # Newest first, so that nothing loses its broker before it has ended.
    for ((i = ${#pids[@]} - 1; i >= 0; i--)); do
        kill "${pids[i]}" 2>/dev/null || true
        for ((wait = 0; wait < 400; wait++)); do
            kill -0 "${pids[i]}" 2>/dev/null || break
            sleep 0.1
        done
        # Nothing should need this; but a hang here must not hang CI.
        kill -9 "${pids[i]}" 2>/dev/null && echo "stack.sh: process ${pids[i]} did not stop when asked" >&2
        wait "${pids[i]}" 2>/dev/null || true
    done
    rm -rf "$work"
}
trap stop EXIT

fail() {
    echo "stack.sh: $1" >&2
    for log in "$work"/*.log; do echo "--- $(basename "$log")" >&2; tail -20 "$log" >&2; done
    exit 1
}
# wait_for WHAT SECONDS COMMAND…
wait_for() {
    local what=$1 deadline=$((SECONDS + $2)); shift 2
    until "$@" >/dev/null 2>&1; do
        [ "$SECONDS" -lt "$deadline" ] || fail "waited for $what"
        sleep 0.5
    done
}
# Below the ports that the system gives to outgoing connections: one of those could take it before its server does.
port() {
    local candidate
    while candidate=$((20000 + RANDOM % 12000)); (exec 3<>"/dev/tcp/127.0.0.1/$candidate") 2>/dev/null; do :; done
    echo "$candidate"
}

cargo build --quiet --bin copydesk
copydesk="${CARGO_TARGET_DIR:-target}/debug/copydesk"
kafka_port=$(port) control_port=$(port) http_port=$(port) prometheus_port=$(port)
export COPYDESK_CONFIG=deploy/copydesk.toml COPYDESK_KAFKA_BROKERS="127.0.0.1:$kafka_port" COPYDESK_HTTP_LISTEN="127.0.0.1:$http_port"

tests/kafka/broker.sh jars >/dev/null
cat > "$work/kafka.properties" <<PROPERTIES
node.id=1
controller.quorum.voters=1@127.0.0.1:$control_port
listeners=PLAINTEXT://127.0.0.1:$kafka_port,CONTROLLER://127.0.0.1:$control_port
advertised.listeners=PLAINTEXT://127.0.0.1:$kafka_port
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
PROPERTIES
tests/kafka/broker.sh run "$work/kafka" "$work/kafka.properties" >"$work/kafka.log" 2>&1 &
pids+=($!)
wait_for "Kafka" 60 sh -c "'$copydesk' topics create --partitions 8 --replication-factor 1 | grep -q news.raw"
"$copydesk" check >"$work/check.log" 2>&1 || fail "copydesk check finds the stack incomplete"

"$copydesk" run >"$work/copydesk.log" 2>&1 &
pids+=($!)
mkdir "$work/prometheus"
cp deploy/prometheus/*.yml "$work/prometheus/"
# The one difference to docker-compose: there the name copydesk resolves.
sed -i "s/copydesk:9464/127.0.0.1:$http_port/" "$work/prometheus/prometheus.yml"
promtool check config deploy/prometheus/prometheus.yml
prometheus --config.file="$work/prometheus/prometheus.yml" --storage.tsdb.path="$work/prometheus/data" \
    --web.listen-address="127.0.0.1:$prometheus_port" >"$work/prometheus.log" 2>&1 &
pids+=($!)
wait_for "readiness" 60 curl -sf "http://127.0.0.1:$http_port/ready"
"$copydesk" feed --repeat 0 --rate 50 >"$work/feeder.log" 2>&1 &
pids+=($!)

api="http://127.0.0.1:$prometheus_port/api/v1"
# query EXPRESSION: succeeds when it has a result.
query() { curl -sf --get "$api/query" --data-urlencode "query=$1" | jq -e '.data.result | length > 0'; }
wait_for "the target to be up" 60 query 'up{job="copydesk"} == 1'
wait_for "enriched articles" 60 query 'copydesk_articles_total{outcome="enriched"} > 50'
curl -sf "http://127.0.0.1:$http_port/metrics" | promtool check metrics
echo "promtool check metrics: passed"

queries=0
while IFS= read -r expression; do
    wait_for "data for: $expression" 60 query "${expression//\$__rate_interval/30s}"
    queries=$((queries + 1))
done < <(jq -r '.panels[].targets[].expr' deploy/grafana/dashboards/copydesk.json)
echo "dashboard: $queries of $queries queries return data"

curl -sf "$api/rules" | jq -e '[.data.groups[].rules[] | select(.health == "err")] | length == 0' >/dev/null || fail "an alert expression fails"
firing=$(curl -sf "$api/alerts" | jq -r '[.data.alerts[].labels.alertname] | unique | join(" ")')
[ -z "$firing" ] || fail "alerts fire in a healthy stack: $firing"
echo "alerts: all expressions evaluate, none fires"
