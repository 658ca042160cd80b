package dev.virtualip.agent.train;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.MessageDigest;
import java.util.Base64;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;

/**
 * The part of an API server that an agent needs, for {@link TrainCommand}. Over TLS it answers each
 * list with one object, sends one change on each watch, and accepts every write.
 */
final class TrainingApiServer implements AutoCloseable {
  private static final String PASSWORD = "training";

  private static final String WEB_SOCKET_KEY = "sec-websocket-key";

  /** RFC 6455, section 1.3. */
  private static final String WEB_SOCKET = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

  private final ServerSocket server;
  private final Path certificate;
  private final Map<String, String> objects;
  private final CountDownLatch statusWritten = new CountDownLatch(1);

  private record Request(String method, String path, Map<String, String> headers) {}

  /**
   * Starts serving on 127.0.0.1.
   *
   * @param folder directory for its key and certificate
   * @param objects by plural, the JSON of the object in its list
   */
  TrainingApiServer(Path folder, Map<String, String> objects)
      throws IOException, InterruptedException, GeneralSecurityException {
    this.objects = objects;
    var file = folder.resolve("training.p12");
    Files.deleteIfExists(file);
    makeKey(file);
    var keys = KeyStore.getInstance(file.toFile(), PASSWORD.toCharArray());
    certificate =
        Files.writeString(
            folder.resolve("ca.crt"),
            "-----BEGIN CERTIFICATE-----\n%s\n-----END CERTIFICATE-----\n"
                .formatted(
                    Base64.getMimeEncoder()
                        .encodeToString(keys.getCertificate("training").getEncoded())));
    var managers = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
    managers.init(keys, PASSWORD.toCharArray());
    var context = SSLContext.getInstance("TLS");
    context.init(managers.getKeyManagers(), null, null);
    server =
        context
            .getServerSocketFactory()
            .createServerSocket(0, 50, InetAddress.ofLiteral(TrainCommand.LOCALHOST));
    Thread.ofVirtual().name("training-api-server").start(this::accept);
  }

  /** By keytool, which each runtime has: the JDK has no API to create a certificate. */
  private static void makeKey(Path file) throws IOException, InterruptedException {
    var keytool = Path.of(System.getProperty("java.home"), "bin", "keytool").toString();
    var process =
        new ProcessBuilder(
                keytool,
                "-genkeypair",
                "-alias",
                "training",
                "-keyalg",
                "EC",
                "-dname",
                "CN=training",
                "-ext",
                "san=ip:" + TrainCommand.LOCALHOST,
                "-storepass",
                PASSWORD,
                "-keystore",
                file.toString())
            .inheritIO()
            .start();
    if (process.waitFor() != 0) {
      throw new IOException(keytool + " made no key");
    }
  }

  String url() {
    return "https://" + TrainCommand.LOCALHOST + ":" + server.getLocalPort();
  }

  /** File with the server's certificate, PEM. */
  Path certificate() {
    return certificate;
  }

  /**
   * Waits until an agent has written a status.
   *
   * @return false if no agent has within that time
   */
  boolean awaitStatus(long seconds) throws InterruptedException {
    return statusWritten.await(seconds, TimeUnit.SECONDS);
  }

  private void accept() {
    while (!server.isClosed()) {
      try {
        var socket = server.accept();
        Thread.ofVirtual().start(() -> serve(socket));
      } catch (IOException _) {
        // The server is closed, or a connection failed; the agent tries again.
      }
    }
  }

  private void serve(Socket socket) {
    try (socket) {
      var in = new BufferedInputStream(socket.getInputStream());
      for (var request = read(in); request != null; request = read(in)) {
        in.skipNBytes(Long.parseLong(request.headers().getOrDefault("content-length", "0")));
        answer(socket, request);
        if (request.headers().containsKey(WEB_SOCKET_KEY)) {
          in.transferTo(OutputStream.nullOutputStream());
        }
      }
    } catch (IOException | GeneralSecurityException _) {
      // The agent notices and tries again.
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
      int colon = line.indexOf(':');
      headers.put(line.substring(0, colon).toLowerCase(Locale.ROOT), line.substring(colon + 2));
    }
    return new Request(first[0], first[1], headers);
  }

  private static String line(InputStream in) throws IOException {
    var line = new ByteArrayOutputStream();
    for (int c = in.read(); c != '\n' && c != -1; c = in.read()) {
      line.write(c);
    }
    return line.toString(StandardCharsets.US_ASCII).stripTrailing();
  }

  private void answer(Socket socket, Request request) throws IOException, GeneralSecurityException {
    var path = request.path().replaceFirst("\\?.*", "");
    var object = objects.get(path.substring(path.lastIndexOf('/') + 1));
    if (request.headers().containsKey(WEB_SOCKET_KEY)) {
      webSocket(socket, request.headers().get(WEB_SOCKET_KEY), object);
      return;
    }
    var body =
        object == null || !request.method().equals("GET")
            ? "{}"
            : """
              {"kind": "List", "apiVersion": "v1", "metadata": {"resourceVersion": "1"},
               "items": [%s]}"""
                .formatted(object);
    write(
        socket,
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
            .formatted(body.length(), body));
    if (request.method().equals("PATCH") && path.endsWith("/status")) {
      statusWritten.countDown();
    }
  }

  /** Accepts a watch, and sends an event that the object has changed. */
  private static void webSocket(Socket socket, String key, String object)
      throws IOException, GeneralSecurityException {
    var hash =
        MessageDigest.getInstance("SHA-1")
            .digest((key + WEB_SOCKET).getBytes(StandardCharsets.US_ASCII));
    write(
        socket,
        """
        HTTP/1.1 101 Switching Protocols\r
        Upgrade: websocket\r
        Connection: Upgrade\r
        Sec-WebSocket-Accept: %s\r
        \r
        """
            .formatted(Base64.getEncoder().encodeToString(hash)));
    var changed = object.replace("\"resourceVersion\": \"1\"", "\"resourceVersion\": \"2\"");
    var event = "{\"type\": \"MODIFIED\", \"object\": %s}".formatted(changed);
    var out = socket.getOutputStream();
    // One unfragmented text frame, unmasked, with a two-byte length.
    out.write(new byte[] {(byte) 0x81, 126, (byte) (event.length() >> 8), (byte) event.length()});
    write(socket, event);
  }

  private static void write(Socket socket, String text) throws IOException {
    var out = socket.getOutputStream();
    out.write(text.getBytes(StandardCharsets.US_ASCII));
    out.flush();
  }

  @Override
  public void close() throws IOException {
    server.close();
  }
}
