package dev.virtualip.agent.report;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpHandler;
import com.sun.net.httpserver.HttpServer;
import dev.virtualip.crds.schema.VirtualIp;
import dev.virtualip.crds.schema.VirtualIpStatus;
import dev.virtualip.crds.schema.VirtualIpStatus.NodeStatus;
import dev.virtualip.log.Defects;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Executors;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;

/**
 * Serves {@code /healthz}, {@code /readyz}, {@code /metrics}, {@code /status} and {@code
 * /virtualips}.
 */
public final class AgentHttp implements AutoCloseable {
  private static final String TEXT = "text/plain; charset=utf-8";

  private final HttpServer server;
  private final JsonMapper json = new JsonMapper();

  /**
   * Starts serving. The suppliers are called by the server's own threads.
   *
   * @param alive whether the event loop works: {@code /healthz}
   * @param ready whether the first plan has been carried out: {@code /readyz}
   * @param statuses this node's status of each VirtualIP, by name: {@code /status}
   * @param files the VirtualIPs as read from files, null before: {@code /virtualips}
   * @throws IOException if it cannot listen on the address; the message says what to do
   */
  public AgentHttp(
      InetSocketAddress listen,
      String nodeName,
      BooleanSupplier alive,
      BooleanSupplier ready,
      Supplier<Map<String, NodeStatus>> statuses,
      Supplier<List<VirtualIp>> files,
      PrometheusMeterRegistry registry)
      throws IOException {
    try {
      server = HttpServer.create(listen, 0);
    } catch (IOException e) {
      throw new IOException(
          "cannot listen on %s:%d: %s; free it or choose another with --listen"
              .formatted(listen.getHostString(), listen.getPort(), e.getMessage()),
          e);
    }
    server.setExecutor(
        Executors.newThreadPerTaskExecutor(Thread.ofVirtual().name("http").factory()));
    serve("/healthz", exchange -> probe(exchange, alive.getAsBoolean()));
    serve("/readyz", exchange -> probe(exchange, alive.getAsBoolean() && ready.getAsBoolean()));
    serve(
        "/metrics",
        exchange ->
            answer(exchange, 200, "text/plain; version=0.0.4; charset=utf-8", registry.scrape()));
    serve(
        "/status",
        exchange -> {
          var status = new LinkedHashMap<String, Object>();
          status.put("node", nodeName);
          status.put("virtualIPs", new TreeMap<>(statuses.get()));
          answer(exchange, 200, "application/json", json.writeValueAsString(status) + "\n");
        });
    serve("/virtualips", exchange -> answerFiles(exchange, nodeName, files.get(), statuses.get()));
    server.start();
  }

  /** Objects as the API server's, so that a mirror of this node can make them there. */
  private void answerFiles(
      HttpExchange exchange,
      String nodeName,
      List<VirtualIp> files,
      Map<String, NodeStatus> statuses)
      throws IOException {
    if (files == null) {
      answer(exchange, 503, TEXT, "no files are read, or not yet\n");
      return;
    }
    var items =
        files.stream()
            .map(
                vip -> {
                  var report = statuses.get(vip.getMetadata().getName());
                  return vip.withStatus(
                      report == null
                          ? null
                          : new VirtualIpStatus(null, null, Map.of(nodeName, report), null));
                })
            .toList();
    var list = new LinkedHashMap<String, Object>();
    list.put("apiVersion", "v1");
    list.put("kind", "List");
    list.put("items", items);
    answer(exchange, 200, "application/json", json.writeValueAsString(list) + "\n");
  }

  private void serve(String path, HttpHandler handler) {
    server.createContext(
        path,
        exchange -> {
          try {
            handler.handle(exchange);
          } catch (RuntimeException | Error e) {
            Defects.goOn(e);
            exchange.close();
          }
        });
  }

  private static void probe(HttpExchange exchange, boolean ok) throws IOException {
    answer(exchange, ok ? 200 : 503, TEXT, ok ? "ok\n" : "not ok\n");
  }

  private static void answer(HttpExchange exchange, int code, String type, String body)
      throws IOException {
    try (exchange) {
      var bytes = body.getBytes(StandardCharsets.UTF_8);
      exchange.getResponseHeaders().set("Content-Type", type);
      exchange.sendResponseHeaders(code, bytes.length);
      exchange.getResponseBody().write(bytes);
    }
  }

  @Override
  public void close() {
    server.stop(0);
  }
}
