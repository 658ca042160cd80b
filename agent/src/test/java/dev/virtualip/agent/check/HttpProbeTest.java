package dev.virtualip.agent.check;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsServer;
import dev.virtualip.agent.ServerKeys;
import dev.virtualip.crds.schema.HealthCheck;
import dev.virtualip.crds.schema.HealthCheck.Http;
import io.fabric8.kubernetes.client.utils.Serialization;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class HttpProbeTest {
  private static final InetAddress LOCAL = InetAddress.ofLiteral("127.0.0.1");

  @TempDir Path folder;

  private HttpServer server;

  @AfterEach
  void stop() {
    if (server != null) {
      server.stop(0);
    }
  }

  private void serve(HttpServer created) {
    server = created;
    server.createContext("/", HttpProbeTest::answer);
    server.start();
  }

  private void serve() throws IOException {
    serve(HttpServer.create(new InetSocketAddress(LOCAL, 0), 0));
  }

  /** /STATUS answers with that status; the body tells the Host header and the path. */
  private static void answer(HttpExchange exchange) throws IOException {
    var path = exchange.getRequestURI().toString();
    int status = path.matches("/[0-9]{3}") ? Integer.parseInt(path.substring(1)) : 200;
    var host = exchange.getRequestHeaders().getFirst("Host");
    var body = ("host=" + host + " path=" + path + " ä").getBytes(StandardCharsets.UTF_8);
    try (exchange) {
      // Length 0: chunked.
      exchange.sendResponseHeaders(status, status == 204 || status == 304 ? -1 : 0);
      exchange.getResponseBody().write(body);
    }
  }

  private String probe(String http) {
    var port = "port: " + server.getAddress().getPort();
    return switch (new HttpProbe(http(port + ", " + http)).run()) {
      case Probe.Result.Success _ -> "";
      case Probe.Result.Failure failure ->
          failure.detail().replace(":" + server.getAddress().getPort(), ":PORT");
      case Probe.Result.NoAnswer _, Probe.Result.Leaving _ ->
          throw new AssertionError("http always has an answer");
    };
  }

  @Test
  void statusesAreThoseOfTheList() throws IOException {
    serve();
    assertEquals("", probe("path: /204"));
    assertEquals("", probe("path: /399"));
    assertEquals("400 expected 200-399", probe("path: /400"));
    assertEquals("", probe("path: /401, statuses: '200,401-403'"));
    assertEquals("404 expected 200,401-403", probe("path: /404, statuses: '200,401-403'"));
    assertEquals("", probe("path: /503, statuses: '503'"));
  }

  @Test
  void hostHeaderAndPathAreAskedFor() throws IOException {
    serve();
    int port = server.getAddress().getPort();
    assertEquals("", probe("bodyContains: 'host=127.0.0.1:%d path=/ '".formatted(port)));
    assertEquals(
        "",
        probe(
            "path: /a?b=%20c, hostHeader: shop.example.com, bodyContains: 'host=shop.example.com"
                + " path=/a?b=%20c'"));
  }

  @Test
  void theBodyIsMatchedAsBytes() throws IOException {
    serve();
    assertEquals("", probe("bodyContains: ä"));
    assertEquals("body of 127.0.0.1:PORT lacks \"ready\"", probe("bodyContains: ready"));
    assertEquals("body of 127.0.0.1:PORT lacks \"x\"", probe("path: /204, bodyContains: x"));
  }

  @Test
  void whatIsNoHttpIsSaidSo() throws IOException {
    try (var listener = new ServerSocket(0, 50, LOCAL)) {
      Thread.ofVirtual().start(() -> speak(listener));
      int port = listener.getLocalPort();
      for (int i = 0; i < 2; i++) {
        var failure = (Probe.Result.Failure) new HttpProbe(http(port)).run();
        assertEquals("no HTTP answer from 127.0.0.1:" + port, failure.detail());
      }
    }
  }

  private static Http http(int port) {
    return http("port: " + port);
  }

  private static Http http(String fields) {
    return Serialization.unmarshal("---\n{http: {" + fields + "}}", HealthCheck.class)
        .at("127.0.0.1", null)
        .http();
  }

  /** Another protocol, and then somebody who hangs up. */
  private static void speak(ServerSocket listener) {
    speak(listener, "SSH-2.0-OpenSSH_9.2\r\n".repeat(30), "");
  }

  private static void speak(ServerSocket listener, String... greetings) {
    for (var greeting : greetings) {
      try (var socket = listener.accept()) {
        socket.getInputStream().readNBytes(40);
        socket.getOutputStream().write(greeting.getBytes(StandardCharsets.US_ASCII));
        socket.shutdownOutput();
        socket.getInputStream().readAllBytes();
      } catch (IOException _) {
        // The probe has hung up.
      }
    }
  }

  @Test
  void overTlsAnyCertificateWillDoUnlessItIsToBeVerified() throws Exception {
    var certificate = serveTls("shop.example.com");
    assertEquals("", probe("scheme: HTTPS, bodyContains: path=/"));
    var untrusted = probe("scheme: HTTPS, tls: {verify: true}");
    assertEquals(
        "TLS failed (unable to find valid certification path to requested target)"
            + " 127.0.0.1:PORT",
        untrusted);
    var trusting = "scheme: HTTPS, tls: {verify: true, ca: \"" + certificate + "\"}";
    assertTrue(
        probe(trusting).startsWith("TLS failed (No subject alternative names"), probe(trusting));
    assertEquals("", probe(trusting + ", hostHeader: 'shop.example.com:8443'"));
    assertEquals(
        "TLS failed (No subject alternative DNS name matching other.example.com found.)"
            + " 127.0.0.1:PORT",
        probe(trusting + ", hostHeader: other.example.com"));
  }

  @Test
  void theAuthoritiesOfAFileAreReadBeforeEachCheck() throws Exception {
    var certificate = serveTls("shop.example.com").replace("\\n", "\n");
    var file = folder.resolve("ca.crt");
    var port = server.getAddress().getPort();
    var tls = "tls: {verify: true, caFile: '%s'}".formatted(file);
    var probe =
        new HttpProbe(
            http("port: " + port + ", scheme: HTTPS, hostHeader: shop.example.com, " + tls));
    assertEquals(new Probe.Result.Failure("cannot read caFile " + file), probe.run());
    Files.writeString(file, "no certificate");
    var wrong = ((Probe.Result.Failure) probe.run()).detail();
    assertTrue(wrong.startsWith("caFile " + file + " is no certificate"), wrong);
    Files.writeString(file, certificate);
    assertEquals(new Probe.Result.Success(), probe.run());
    Files.delete(file);
    assertEquals(new Probe.Result.Failure("cannot read caFile " + file), probe.run());
  }

  @Test
  void aPortThatSpeaksNoTlsIsSaidSo() throws IOException {
    try (var listener = new ServerSocket(0, 50, LOCAL)) {
      Thread.ofVirtual().start(() -> speak(listener, "HTTP/1.1 400 Bad Request\r\n\r\n"));
      int port = listener.getLocalPort();
      var https = http("scheme: HTTPS, port: " + port);
      assertEquals(
          "TLS failed (Unsupported or unrecognized SSL message) 127.0.0.1:" + port,
          ((Probe.Result.Failure) new HttpProbe(https).run()).detail());
    }
  }

  /** Serves with a certificate of its own for a name; returns it as PEM within YAML's quotes. */
  private String serveTls(String name) throws Exception {
    var keys = ServerKeys.make(folder, "dns:" + name);
    var https = HttpsServer.create(new InetSocketAddress(LOCAL, 0), 0);
    https.setHttpsConfigurator(new HttpsConfigurator(keys.context()));
    serve(https);
    return keys.pem().replace("\r", "").replace("\n", "\\n");
  }
}
