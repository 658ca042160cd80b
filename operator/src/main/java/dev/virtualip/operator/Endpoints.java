package dev.virtualip.operator;

import com.sun.net.httpserver.HttpServer;
import dev.virtualip.operator.act.OperatorMetrics;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Supplier;

/**
 * The operator's HTTP pages. {@code /healthz}: the program runs. {@code /readyz}: its watches run,
 * or it waits to become the leader. {@code /metrics}: counters and the conditions of all
 * VirtualIPs, for Prometheus.
 */
final class Endpoints implements AutoCloseable {
  private final AtomicReference<VirtualIpOperator> operator = new AtomicReference<>();
  private volatile boolean standsBy;
  private final PrometheusMeterRegistry registry;
  private final OperatorMetrics metrics;
  private final HttpServer server;

  private record Answer(int status, String body) {}

  private Endpoints(HttpServer server, PrometheusMeterRegistry registry, OperatorMetrics metrics) {
    this.server = server;
    this.registry = registry;
    this.metrics = metrics;
  }

  /**
   * Starts serving.
   *
   * @throws IOException if the address can't be bound
   */
  static Endpoints start(
      InetSocketAddress listen, PrometheusMeterRegistry registry, OperatorMetrics metrics)
      throws IOException {
    var endpoints = new Endpoints(HttpServer.create(listen, 16), registry, metrics);
    endpoints.serve("/healthz", "text/plain", () -> new Answer(200, "ok\n"));
    endpoints.serve("/readyz", "text/plain", endpoints::ready);
    endpoints.serve("/metrics", "text/plain; version=0.0.4", endpoints::scrape);
    endpoints.server.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
    endpoints.server.start();
    return endpoints;
  }

  /** From now on serves the readiness and the conditions of this operator. */
  void serve(VirtualIpOperator running) {
    operator.set(running);
  }

  /** From now on reports ready while another operator leads: a replica that waits is ready. */
  void standBy() {
    standsBy = true;
  }

  private Answer ready() {
    var running = operator.get();
    return running == null && standsBy || running != null && running.ready()
        ? new Answer(200, "ok\n")
        : new Answer(503, "not ready: a watch on the API server does not run\n");
  }

  private Answer scrape() {
    var running = operator.get();
    if (running != null) {
      metrics.conditions(running.conditions());
    }
    return new Answer(200, registry.scrape());
  }

  private void serve(String path, String type, Supplier<Answer> answer) {
    server.createContext(
        path,
        exchange -> {
          try (exchange) {
            var found = exchange.getRequestURI().getPath().equals(path);
            var content = found ? answer.get() : new Answer(404, "not found\n");
            var body = content.body().getBytes(StandardCharsets.UTF_8);
            exchange.getResponseHeaders().set("Content-Type", type);
            exchange.sendResponseHeaders(content.status(), body.length);
            exchange.getResponseBody().write(body);
          }
        });
  }

  @Override
  public void close() {
    server.stop(0);
  }
}
