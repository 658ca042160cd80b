# The operator. Build the jars first, then from the top folder:
#   make build && docker build -f deploy/images/operator.Dockerfile -t ghcr.io/virtualip/virtualip-operator:0.1.0 .
FROM eclipse-temurin:25-jdk AS runtime
# What `jdeps --print-module-deps` finds, without what libraries only offer (java.desktop,
# java.compiler, java.sql), and jdk.crypto.ec for TLS with elliptic curves.
RUN jlink \
      --add-modules java.management,java.naming,java.net.http,java.xml,jdk.crypto.ec,jdk.httpserver,jdk.management,jdk.unsupported \
      --strip-debug --no-header-files --no-man-pages --compress zip-6 \
      --generate-cds-archive --output /opt/java

FROM debian:bookworm-slim
COPY --from=runtime /opt/java /opt/java
COPY operator/target/lib /opt/virtualip/lib
COPY operator/target/virtualip-operator.jar /opt/virtualip/
USER 65532:65532
EXPOSE 9406
# The flags of deploy/launcher/launcher.
ENTRYPOINT ["/opt/java/bin/java", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xss512k", \
            "-Xshare:auto", "--enable-native-access=ALL-UNNAMED", \
            "-jar", "/opt/virtualip/virtualip-operator.jar"]
CMD ["run"]
