package dev.virtualip.agent.train;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
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
import java.util.Locale;
import java.util.Map;
import javax.net.ServerSocketFactory;

/** HTTP 1.1 on 127.0.0.1 for the agent's own client, in training and in tests. */
public final class SocketServer implements AutoCloseable {
  /** RFC 6455, section 1.3. */
  private static final String WEB_SOCKET = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

  private static final String WEB_SOCKET_KEY = "sec-websocket-key";

  private final ServerSocket server;
  private final Handler handler;

  /**
   * A request without its body.
   *
   * @param target path with its query
   * @param headers by name in lower case
   */
  public record Request(String method, String target, Map<String, String> headers) {
    /** Whether it asks for a web socket. */
    public boolean opensWebSocket() {
      return headers.containsKey(WEB_SOCKET_KEY);
    }
  }

  /** Answers a request on its connection. */
  @FunctionalInterface
  public interface Handler {
    /**
     * @param in what the client sends after the request
     * @throws IOException ends the connection
     */
    void handle(Request request, Socket socket, InputStream in) throws IOException;
  }

  /**
   * Starts serving.
   *
   * @param handler called by the thread of each connection
   */
  public SocketServer(ServerSocketFactory sockets, Handler handler) throws IOException {
    this.handler = handler;
    server = sockets.createServerSocket(0, 50, InetAddress.ofLiteral(TrainCommand.LOCALHOST));
    Thread.ofVirtual().name("socket-server").start(this::accept);
  }

  /** Host and port. */
  public String address() {
    return TrainCommand.LOCALHOST + ":" + server.getLocalPort();
  }

  private void accept() {
    while (!server.isClosed()) {
      try {
        var socket = server.accept();
        Thread.ofVirtual().start(() -> serve(socket));
      } catch (IOException _) {
        // The server is closed, or a connection failed; the client tries again.
      }
    }
  }

  private void serve(Socket socket) {
    try (socket) {
      var in = new BufferedInputStream(socket.getInputStream());
      for (var request = read(in); request != null; request = read(in)) {
        handler.handle(request, socket, in);
      }
    } catch (IOException _) {
      // The client has gone, or notices and tries again.
    }
  }

  /** The next request; null at the end of the connection. */
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

  /** Sends an answer. */
  public static void answer(Socket socket, int code, String headers, String body)
      throws IOException {
    var bytes = body.getBytes(StandardCharsets.UTF_8);
    var head =
        "HTTP/1.1 %d x\r\nContent-Length: %d\r\n%s\r\n".formatted(code, bytes.length, headers);
    write(socket, head.getBytes(StandardCharsets.US_ASCII));
    write(socket, bytes);
  }

  /** Opens the web socket that a request asks for. */
  public static void openWebSocket(Socket socket, Request request) throws IOException {
    var key = request.headers().get(WEB_SOCKET_KEY) + WEB_SOCKET;
    var head =
        "HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n"
            .formatted(Base64.getEncoder().encodeToString(sha1(key)));
    write(socket, head.getBytes(StandardCharsets.US_ASCII));
  }

  private static byte[] sha1(String text) {
    try {
      return MessageDigest.getInstance("SHA-1").digest(text.getBytes(StandardCharsets.US_ASCII));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("each Java has SHA-1", e);
    }
  }

  /**
   * Sends one unmasked frame on a web socket.
   *
   * @param first its first byte: 0x81 for a whole text, 0x01 for a part, 0x88 for the end
   * @param text at most 64 KiB
   */
  public static void frame(Socket socket, int first, String text) throws IOException {
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
    write(socket, frame.toByteArray());
  }

  private static void write(Socket socket, byte[] bytes) throws IOException {
    socket.getOutputStream().write(bytes);
  }

  @Override
  public void close() throws IOException {
    server.close();
  }
}
