package dev.virtualip.agent.notify;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.net.httpserver.HttpServer;
import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsServer;
import dev.virtualip.agent.ServerKeys;
import dev.virtualip.agent.notify.Channel.Undeliverable;
import dev.virtualip.crds.check.Problem;
import dev.virtualip.crds.schema.Notifications.Webhook;
import dev.virtualip.crds.schema.SecretKey;
import io.fabric8.kubernetes.client.utils.Serialization;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import javax.net.ssl.SSLHandshakeException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Against a server in this JVM. */
class WebhookChannelTest {
  private static final SecretKey AUTH = new SecretKey("hook", "auth");
  private static final SecretKey URL = new SecretKey("hook", "url");

  private final List<String> heard = new CopyOnWriteArrayList<>();
  private HttpServer server;

  @AfterEach
  void stop() {
    if (server != null) {
      server.stop(0);
    }
  }

  /** Starts a server that answers with this; returns its URL. */
  private String serve(HttpServer next, String scheme, int status, String answer) {
    server = next;
    server.createContext(
        "/",
        exchange -> {
          var request = exchange.getRequestHeaders();
          heard.add(exchange.getRequestMethod() + " " + exchange.getRequestURI());
          heard.add(request.getFirst("Content-Type"));
          heard.add(String.valueOf(request.getFirst("Authorization")));
          heard.add(new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8));
          var bytes = answer.getBytes(StandardCharsets.UTF_8);
          exchange.sendResponseHeaders(status, bytes.length == 0 ? -1 : bytes.length);
          exchange.getResponseBody().write(bytes);
          exchange.close();
        });
    server.start();
    return "%s://127.0.0.1:%d/hook?a=b".formatted(scheme, server.getAddress().getPort());
  }

  private String serve(int status, String answer) throws IOException {
    return serve(HttpServer.create(anyPort(), 0), "http", status, answer);
  }

  private static InetSocketAddress anyPort() {
    return new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);
  }

  private static WebhookChannel channel(String fields, Map<SecretKey, byte[]> secrets) {
    return new WebhookChannel(Serialization.unmarshal("---\n" + fields, Webhook.class), secrets);
  }

  private static WebhookChannel to(String url) {
    return channel("{url: '%s', plainHttp: true}".formatted(url), Map.of());
  }

  private static String failure(Class<? extends IOException> type, WebhookChannel channel) {
    var e = assertThrows(IOException.class, () -> channel.deliver(Notes.MASTER));
    assertEquals(type, e.getClass(), e::toString);
    return e.getMessage();
  }

  @Test
  void aPostWithHeadersOfASecret() throws Exception {
    var url = serve(204, "");
    channel(
            "{url: '%s', plainHttp: true, format: Slack, headers: [{name: Authorization, valueSecretRef:"
                    .formatted(url)
                + " {name: hook, key: auth}}]}",
            Map.of(AUTH, "Bearer x".getBytes(StandardCharsets.UTF_8)))
        .deliver(Notes.MASTER);
    assertEquals(
        List.of(
            "POST /hook?a=b",
            "application/json",
            "Bearer x",
            "{\"text\":\"VirtualIP web is MASTER on node-b, was BACKUP (MasterDown):"
                + " 203.0.113.10/24\"}"),
        heard);
  }

  @Test
  void theUrlMayBeASecret() throws Exception {
    var url = serve(200, "ok").getBytes(StandardCharsets.UTF_8);
    channel("{urlSecretRef: {name: hook, key: url}, plainHttp: true}", Map.of(URL, url))
        .deliver(Notes.MASTER);
    assertEquals("POST /hook?a=b", heard.getFirst());
  }

  @Test
  void aFaultOfTheServerMayEndAndOneOfOursDoesNot() throws IOException {
    assertEquals("status 503: busy", failure(IOException.class, to(serve(503, "busy\n"))));
    stop();
    assertEquals("status 429: ", failure(IOException.class, to(serve(429, ""))));
    stop();
    assertEquals(
        "status 403: invalid_token", failure(Undeliverable.class, to(serve(403, "invalid_token"))));
    stop();
    assertEquals("status 302: ", failure(Undeliverable.class, to(serve(302, ""))));
    stop();
    var long404 = failure(Undeliverable.class, to(serve(404, "x".repeat(10_000))));
    assertEquals("status 404: " + "x".repeat(200), long404);
  }

  @Test
  void httpsWithAnAuthorityOfItsOwn(@TempDir Path folder) throws Exception {
    var keys = ServerKeys.make(folder, "ip:127.0.0.1");
    var https = HttpsServer.create(anyPort(), 0);
    https.setHttpsConfigurator(new HttpsConfigurator(keys.context()));
    var url = serve(https, "https", 200, "");
    channel("url: %s\nca: |\n%s".formatted(url, keys.pem().indent(2)), Map.of())
        .deliver(Notes.MASTER);
    assertEquals("POST /hook?a=b", heard.getFirst());
    var said = failure(SSLHandshakeException.class, to(url));
    assertTrue(said.contains("unable to find valid certification path"), said);
  }

  @Test
  void aRedirectIsNotFollowed() throws IOException {
    var url = serve(302, "");
    server.removeContext("/");
    server.createContext(
        "/",
        exchange -> {
          heard.add(exchange.getRequestURI().getPath());
          exchange.getResponseHeaders().set("Location", "http://127.0.0.2/elsewhere");
          exchange.sendResponseHeaders(307, -1);
          exchange.close();
        });
    assertEquals("status 307: ", failure(Undeliverable.class, to(url)));
    assertEquals(List.of("/hook"), heard);
  }

  @Test
  void httpIsForThoseWhoAskForIt() throws IOException {
    var url = serve(200, "");
    var problem =
        new Problem(
            "spec.notifications.webhook.url",
            "would cross the network readable: use https, or set plainHttp to true");
    var channel = channel("url: " + url, Map.of());
    assertEquals(List.of(problem), channel.problems());
    assertEquals(problem.message(), failure(IOException.class, channel));
    var bySecret =
        channel(
            "urlSecretRef: {name: hook, key: url}",
            Map.of(URL, url.getBytes(StandardCharsets.UTF_8)));
    assertEquals("the Secret's value " + problem.message(), failure(IOException.class, bySecret));
    assertEquals(List.of(), heard);
  }

  @ParameterizedTest
  @ValueSource(strings = {"169.254.169.254", "[fe80::1]", "[fd00:ec2::254]"})
  void nothingIsSentWhereCloudsTellCredentials(String host) {
    var said = failure(Undeliverable.class, to("http://" + host + "/latest/meta-data"));
    assertTrue(said.contains("use another"), said);
  }

  @Test
  void aServerThatIsSilentOrAwayIsNamed() throws IOException {
    int port;
    try (var silent = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      port = silent.getLocalPort();
      var url = "http://127.0.0.1:" + port;
      assertEquals(
          "no answer from 127.0.0.1:" + port,
          failure(
              IOException.class,
              channel("{url: '" + url + "', plainHttp: true, timeout: 1s}", Map.of())));
    }
    assertEquals(
        "no connection to 127.0.0.1:" + port,
        failure(IOException.class, to("http://127.0.0.1:" + port)));
  }

  @Test
  void whatIsWrongWithSecretsIsSaidWithoutThem() {
    var fields =
        "{urlSecretRef: {name: hook, key: url}, headers: [{name: a, value: b},"
            + " {name: Authorization, valueSecretRef: {name: hook, key: auth}}]}";
    assertEquals(
        List.of(
            new Problem(
                "spec.notifications.webhook.urlSecretRef",
                "create the Secret hook with the key url and the label virtualip.dev/notifications=true"),
            new Problem(
                "spec.notifications.webhook.headers[1].valueSecretRef",
                "create the Secret hook with the key auth and the label virtualip.dev/notifications=true")),
        channel(fields, Map.of()).problems());
    var secrets =
        Map.of(
            URL,
            "hooks.example.com/s3cret".getBytes(StandardCharsets.UTF_8),
            AUTH,
            "a\nb".getBytes(StandardCharsets.UTF_8));
    var channel = channel(fields, secrets);
    assertEquals(
        List.of(
            new Problem(
                "spec.notifications.webhook.urlSecretRef",
                "the Secret's value is no URL to post to: write one as in"
                    + " https://example.com/hook"),
            new Problem(
                "spec.notifications.webhook.headers[1].valueSecretRef",
                "the Secret's value has line breaks: remove them")),
        channel.problems());
    assertEquals(channel.problems().getFirst().message(), failure(IOException.class, channel));
  }
}
