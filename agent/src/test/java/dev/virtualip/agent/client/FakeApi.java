package dev.virtualip.agent.client;

import dev.virtualip.agent.train.SocketServer;
import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.Socket;
import java.util.List;
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

  private final SocketServer server;
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
    server = new SocketServer(sockets, this::handle);
  }

  String address() {
    return server.address();
  }

  private void handle(SocketServer.Request asked, Socket socket, InputStream in)
      throws IOException {
    var request = new Request(asked.method(), asked.target(), asked.headers());
    requests.add(request);
    var reply = answer.apply(request);
    if (reply == null) {
      in.transferTo(OutputStream.nullOutputStream());
    } else if (reply.code() == 101 && !request.headers().containsKey("origin")) {
      // kube-apiserver refuses web sockets without one, and says nothing about it.
      SocketServer.answer(socket, 403, "", "");
    } else if (reply.code() == 101) {
      SocketServer.openWebSocket(socket, asked);
      watch(socket, request, in);
    } else {
      SocketServer.answer(socket, reply.code(), reply.headers(), reply.body());
    }
  }

  private void watch(Socket socket, Request request, InputStream in) throws IOException {
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
      try {
        SocketServer.frame(socket, first, text);
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
