package dev.virtualip.agent.client;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;
import java.util.function.Function;
import javax.net.ServerSocketFactory;

/** A server of which a test says what it answers, and what happens on its watches. */
final class FakeApi implements AutoCloseable {
  private static final int PING = 0x89;
  private static final byte[] PONG = {(byte) 0x8A, 0};

  final List<Request> requests = new CopyOnWriteArrayList<>();

  private final ServerSocket server;
  private final Function<Request, Reply> answer;
  private final Consumer<Watcher> watched;

  record Request(String method, String target, Map<String, String> headers) {
    boolean isWatch() {
      return target.contains("watch=true");
    }

    String parameter(String name) {
      var found = ("&" + target.replaceFirst(".*\\?", "")).split("&" + name + "=", 2);
      return found.length < 2 ? "" : found[1].replaceFirst("&.*", "");
    }
  }

  record Reply(int code, String headers, String body) {
    static Reply ok(String body) {
      return new Reply(200, "", body);
    }

    static Reply refusal(int code, String reason) {
      return new Reply(
          code,
          "",
          """
          {"kind": "Status", "apiVersion": "v1", "code": %d, "reason": "%s", "message": "so it is"}"""
              .formatted(code, reason));
    }
  }

  /**
   * Starts on 127.0.0.1.
   *
   * @param answer of requests; code 101 opens a watch, and no answer at all comes for null
   * @param watched gets each watch; must not block
   */
  FakeApi(ServerSocketFactory sockets, Function<Request, Reply> answer, Consumer<Watcher> watched)
      throws IOException {
    this.answer = answer;
    this.watched = watched;
    server = sockets.createServerSocket(0, 50, InetAddress.ofLiteral("127.0.0.1"));
    Thread.ofVirtual().start(this::accept);
  }

  String address() {
    return "127.0.0.1:" + server.getLocalPort();
  }

  private void accept() {
    while (!server.isClosed()) {
      try {
        var socket = server.accept();
        Thread.ofVirtual().start(() -> serve(socket));
      } catch (IOException _) {
        // It is closed.
      }
    }
  }

  private void serve(Socket socket) {
    try (socket) {
      var in = new BufferedInputStream(socket.getInputStream());
      for (var request = read(in); request != null; request = read(in)) {
        requests.add(request);
        var reply = answer.apply(request);
        if (reply == null) {
          in.transferTo(ByteArrayOutputStream.nullOutputStream());
        } else if (reply.code() == 101 && !request.headers().containsKey("origin")) {
          // kube-apiserver refuses web sockets without one, and says nothing about it.
          send(socket, new Reply(403, "", ""));
        } else if (reply.code() == 101) {
          watch(socket, request, in);
        } else {
          send(socket, reply);
        }
      }
    } catch (IOException | NoSuchAlgorithmException _) {
      // The client has gone.
    }
  }

  private static void send(Socket socket, Reply reply) throws IOException {
    var body = reply.body().getBytes(StandardCharsets.UTF_8);
    var head =
        "HTTP/1.1 %d x\r\nContent-Length: %d\r\n%s\r\n"
            .formatted(reply.code(), body.length, reply.headers());
    socket.getOutputStream().write(head.getBytes(StandardCharsets.US_ASCII));
    socket.getOutputStream().write(body);
  }

  private static Request read(InputStream in) throws IOException {
    var first = line(in).split(" ");
    if (first.length < 2) {
      return null;
    }
    var headers = new HashMap<String, String>();
    for (var line = line(in); !line.isEmpty(); line = line(in)) {
      var parts = line.split(": *", 2);
      headers.put(parts[0].toLowerCase(Locale.ROOT), parts[1]);
    }
    in.skipNBytes(Long.parseLong(headers.getOrDefault("content-length", "0")));
    return new Request(first[0], first[1], headers);
  }

  private static String line(InputStream in) throws IOException {
    var line = new ByteArrayOutputStream();
    for (int c = in.read(); c != '\n' && c != -1; c = in.read()) {
      line.write(c);
    }
    return line.toString(StandardCharsets.US_ASCII).stripTrailing();
  }

  private void watch(Socket socket, Request request, InputStream in)
      throws IOException, NoSuchAlgorithmException {
    var key = request.headers().get("sec-websocket-key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    var digest = MessageDigest.getInstance("SHA-1").digest(key.getBytes(StandardCharsets.US_ASCII));
    var head =
        "HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n"
            .formatted(Base64.getEncoder().encodeToString(digest));
    socket.getOutputStream().write(head.getBytes(StandardCharsets.US_ASCII));
    var watcher = new Watcher(socket, request);
    watched.accept(watcher);
    for (int b = in.read(); b >= 0; b = in.read()) {
      if (b == PING) {
        in.skipNBytes(5); // length 0 and the mask
        watcher.pong();
      }
    }
  }

  @Override
  public void close() throws IOException {
    server.close();
  }

  /** One watch, as the server has it. */
  static final class Watcher implements Closeable {
    final Request request;
    private final Socket socket;
    private volatile boolean silent;
    private volatile int pongs;

    Watcher(Socket socket, Request request) {
      this.socket = socket;
      this.request = request;
    }

    private synchronized void pong() throws IOException {
      if (!silent) {
        socket.getOutputStream().write(PONG);
        pongs++;
      }
    }

    int pongs() {
      return pongs;
    }

    /** It stops talking, and keeps the connection. */
    void fallSilent() {
      silent = true;
    }

    void send(String event) {
      frame(0x81, event);
    }

    /** Half of an event; the rest never comes. */
    void sendHalf(String event) {
      frame(0x01, event.substring(0, event.length() / 2));
    }

    void end() {
      frame(0x88, "");
    }

    private synchronized void frame(int first, String text) {
      var data = text.getBytes(StandardCharsets.UTF_8);
      var frame = new ByteArrayOutputStream();
      frame.write(first);
      if (data.length < 126) {
        frame.write(data.length);
      } else {
        frame.write(126);
        frame.write(data.length >> 8);
        frame.write(data.length);
      }
      frame.writeBytes(data);
      try {
        socket.getOutputStream().write(frame.toByteArray());
      } catch (IOException _) {
        // The client has gone.
      }
    }

    /** Drops the connection. */
    @Override
    public void close() {
      try {
        socket.close();
      } catch (IOException _) {
        // It is closed.
      }
    }
  }
}
