package dev.virtualip.e2e;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CopyOnWriteArrayList;

/** A receiver of webhooks on the control host. It answers 200, or what it is told to answer. */
final class Hooks implements AutoCloseable {
  /** A POST: its path, its header Authorization or null, its body. */
  record Post(String path, String authorization, String body) {}

  private final List<Post> posts = new CopyOnWriteArrayList<>();
  private final ConcurrentLinkedQueue<Integer> answers = new ConcurrentLinkedQueue<>();
  private final HttpServer server;

  private Hooks(HttpServer server) {
    this.server = server;
  }

  static Hooks start(String address, int port) throws IOException {
    var server = HttpServer.create(new InetSocketAddress(InetAddress.ofLiteral(address), port), 0);
    var hooks = new Hooks(server);
    server.createContext("/", hooks::take);
    server.createContext("/forbidden", exchange -> answer(exchange, 403));
    server.start();
    return hooks;
  }

  private void take(HttpExchange exchange) throws IOException {
    var body = new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8);
    var status = answers.poll();
    if (status == null) {
      posts.add(
          new Post(
              exchange.getRequestURI().getPath(),
              exchange.getRequestHeaders().getFirst("Authorization"),
              body));
    }
    answer(exchange, status == null ? 200 : status);
  }

  private static void answer(HttpExchange exchange, int status) throws IOException {
    exchange.sendResponseHeaders(status, -1);
    exchange.close();
  }

  /** The next POST is answered with this, and is not among the {@link #posts}. */
  void refuseNext(int status) {
    answers.add(status);
  }

  /** What has come, in order. */
  List<Post> posts() {
    return posts;
  }

  @Override
  public void close() {
    server.stop(0);
  }
}
