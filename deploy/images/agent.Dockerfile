# The agent. Build the jars first, then from the top folder:
#   make build && docker build -f deploy/images/agent.Dockerfile -t ghcr.io/virtualip/virtualip-agent:0.1.0 .
FROM eclipse-temurin:25-jdk AS runtime
# What `jdeps --print-module-deps` finds, without what libraries only offer (java.desktop,
# java.compiler, java.sql), and jdk.crypto.ec for TLS with elliptic curves.
RUN jlink \
      --add-modules java.management,java.naming,java.net.http,java.xml,jdk.crypto.ec,jdk.httpserver,jdk.management,jdk.unsupported \
      --strip-debug --no-header-files --no-man-pages --compress zip-6 \
      --generate-cds-archive --output /opt/java

FROM debian:bookworm-slim
# libpcap sends and receives VRRP and ARP frames.
RUN apt-get update \
    && apt-get install -y --no-install-recommends libpcap0.8 \
    && rm -rf /var/lib/apt/lists/*
COPY --from=runtime /opt/java /opt/java
COPY agent/target/lib /opt/virtualip/lib
COPY agent/target/virtualip-agent.jar /opt/virtualip/
# root, since added capabilities take effect for root only; the DaemonSet drops all but two of them.
USER 0:0
# The flags of deploy/launcher/launcher.
ENTRYPOINT ["/opt/java/bin/java", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xss512k", \
            "-Xshare:auto", "--enable-native-access=ALL-UNNAMED", \
            "-jar", "/opt/virtualip/virtualip-agent.jar"]
