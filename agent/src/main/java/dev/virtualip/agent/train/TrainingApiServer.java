package dev.virtualip.agent.train;

import dev.virtualip.agent.train.SocketServer.Request;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.util.Base64;
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

  private final SocketServer server;
  private final Path certificate;
  private final Map<String, String> objects;
  private final CountDownLatch statusWritten = new CountDownLatch(1);

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
    server = new SocketServer(context.getServerSocketFactory(), this::answer);
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
    return "https://" + server.address();
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

  private void answer(Request request, Socket socket, InputStream in) throws IOException {
    var path = request.target().replaceFirst("\\?.*", "");
    var object = objects.get(path.substring(path.lastIndexOf('/') + 1));
    if (request.opensWebSocket()) {
      SocketServer.openWebSocket(socket, request);
      var changed = object.replace("\"resourceVersion\": \"1\"", "\"resourceVersion\": \"2\"");
      SocketServer.frame(
          socket, 0x81, "{\"type\": \"MODIFIED\", \"object\": %s}".formatted(changed));
      in.transferTo(OutputStream.nullOutputStream());
      return;
    }
    var body =
        object == null || !request.method().equals("GET")
            ? "{}"
            : """
              {"kind": "List", "apiVersion": "v1", "metadata": {"resourceVersion": "1"},
               "items": [%s]}"""
                .formatted(object);
    SocketServer.answer(socket, 200, "Content-Type: application/json\r\n", body);
    if (request.method().equals("PATCH") && path.endsWith("/status")) {
      statusWritten.countDown();
    }
  }

  @Override
  public void close() throws IOException {
    server.close();
  }
}
