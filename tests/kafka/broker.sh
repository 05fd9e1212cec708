#!/usr/bin/env bash
# A real Apache Kafka from the jars on Maven Central: KRaft, loopback, no installation.
#
#   broker.sh jars                  fetch the jars (once; cached under target/) and print their directory
#   broker.sh run DATA PROPERTIES   format DATA if it is new and run a node in the foreground; PROPERTIES is a file with what
#                                   the nodes of a cluster differ in (node.id, listeners, voters, replication), `-` is input
#   broker.sh tool CLASS ARGUMENTS  run a command-line tool of Apache Kafka
#
# Needs Java 17 and, the first time, Maven. Exits with 3 and one line where one of them is missing.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
version=$(sed -n 's:.*<kafka>\(.*\)</kafka>.*:\1:p' "$here/pom.xml")
# Another set of jars is another directory.
set=$(cksum < "$here/pom.xml" | cut -d" " -f1)
cache="${CARGO_TARGET_DIR:-$here/../../target}/kafka-$version-$set"

missing() { echo "broker.sh: $1" >&2; exit 3; }

jars() {
    command -v java >/dev/null || missing "needs Java 17 or newer (Debian: apt-get install openjdk-17-jre-headless)"
    if [ ! -e "$cache/complete" ]; then
        command -v mvn >/dev/null || missing "needs Maven once, to fetch Apache Kafka $version (Debian: apt-get install maven)"
        mkdir -p "$cache"
        # Two tests may come here at once; the second waits for the first.
        exec 9>"$cache/lock"
        flock 9
        if [ ! -e "$cache/complete" ]; then
            mvn -B -q -f "$here/pom.xml" org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies \
                -DincludeScope=runtime -DoutputDirectory="$cache/lib" >&2
            touch "$cache/complete"
        fi
        exec 9>&-
    fi
}

run() {
    local data=$1 properties=$2
    mkdir -p "$data"
    cat > "$data/log4j2.properties" <<'LOG'
rootLogger.level = warn
rootLogger.appenderRef.c.ref = C
appender.c.type = Console
appender.c.name = C
appender.c.layout.type = PatternLayout
appender.c.layout.pattern = [%d] %p %m (%c)%n
LOG
    cat - "$properties" > "$data/server.properties" <<PROPERTIES
process.roles=broker,controller
controller.listener.names=CONTROLLER
log.dirs=$data/log
auto.create.topics.enable=false
offsets.topic.num.partitions=4
transaction.state.log.num.partitions=4
transaction.abort.timed.out.transaction.cleanup.interval.ms=1000
group.initial.rebalance.delay.ms=0
group.consumer.session.timeout.ms=6000
group.consumer.min.session.timeout.ms=6000
group.consumer.heartbeat.interval.ms=1000
group.consumer.min.heartbeat.interval.ms=1000
log.cleaner.dedupe.buffer.size=16777216
message.max.bytes=8388608
replica.fetch.max.bytes=8388608
num.network.threads=2
num.io.threads=4
PROPERTIES
    local java=(java -XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Djava.awt.headless=true "-Dlog4j2.configurationFile=$data/log4j2.properties" -cp "$cache/lib/*")
    if [ ! -e "$data/log/meta.properties" ]; then
        # Any 16 bytes will do, the same for all nodes of a cluster.
        "${java[@]}" kafka.tools.StorageTool format -t Y29weWRlc2stdGVzdC0wMQ -c "$data/server.properties" >/dev/null
    fi
    exec "${java[@]}" -Xms256m -Xmx512m kafka.Kafka "$data/server.properties"
}

case "${1:-}" in
    jars) jars; echo "$cache/lib" ;;
    run) jars; shift; run "$@" ;;
    tool) jars; shift; exec java -XX:TieredStopAtLevel=1 -cp "$cache/lib/*" "$@" ;;
    *) sed -n '2,9s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2; exit 2 ;;
esac
