package dev.virtualip.agent.notify;

import dev.virtualip.crds.check.Problem;
import dev.virtualip.crds.schema.Notifications;
import dev.virtualip.crds.schema.Notifications.Header;
import dev.virtualip.crds.schema.Notifications.Webhook;
import dev.virtualip.crds.schema.SecretKey;
import dev.virtualip.crds.values.Durations;
import java.io.IOException;
import java.io.InputStream;
import java.net.ConnectException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpConnectTimeoutException;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.net.http.HttpTimeoutException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Posts to a URL; any status of 200 to 299 is a success. */
record WebhookChannel(Webhook webhook, Map<SecretKey, byte[]> secrets) implements Channel {
  private static final String PATH = "spec.notifications.webhook";
  private static final int EXCERPT = 200;

  @Override
  public void deliver(Notification notification) throws IOException, InterruptedException {
    var problems = problems();
    if (!problems.isEmpty()) {
      throw new IOException(problems.getFirst().message());
    }
    var uri = URI.create(url());
    Names.lookUp(uri.getHost(), timeout());
    var client =
        HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1)
            .connectTimeout(timeout())
            // Who answers must not choose where the node sends its secrets.
            .followRedirects(HttpClient.Redirect.NEVER)
            .sslContext(Trust.in(webhook.ca()))
            .build();
    try {
      judge(client.send(request(uri, notification), BodyHandlers.ofInputStream()));
    } catch (ConnectException | HttpConnectTimeoutException e) {
      throw new IOException("no connection to " + uri.getAuthority(), e);
    } catch (HttpTimeoutException e) {
      throw new IOException("no answer from " + uri.getAuthority(), e);
    } finally {
      client.shutdownNow();
    }
  }

  private HttpRequest request(URI uri, Notification notification) {
    var body = WebhookBody.of(webhook, notification);
    var request =
        HttpRequest.newBuilder(uri)
            .timeout(timeout())
            .header("Content-Type", body.contentType())
            .header("User-Agent", "virtualip-agent")
            .POST(BodyPublishers.ofString(body.text()));
    webhook.headers().forEach(header -> request.setHeader(header.name(), value(header)));
    return request.build();
  }

  private static void judge(HttpResponse<InputStream> answer) throws IOException {
    int status = answer.statusCode();
    if (status / 100 == 2) {
      return;
    }
    String said;
    try (var body = answer.body()) {
      said = new String(body.readNBytes(EXCERPT), StandardCharsets.UTF_8);
    }
    var message = "status %d: %s".formatted(status, said.replaceAll("\\s+", " ").strip());
    // Timeout, too early, too many requests, or an error of the server: a later try may succeed.
    if (status == 408 || status == 425 || status == 429 || status >= 500) {
      throw new IOException(message);
    }
    throw new Undeliverable(message);
  }

  private String url() {
    return webhook.url() != null ? webhook.url() : text(webhook.urlSecretRef());
  }

  private String value(Header header) {
    return header.value() != null ? header.value() : text(header.valueSecretRef());
  }

  private String text(SecretKey key) {
    return new String(secrets.get(key), StandardCharsets.UTF_8);
  }

  private Duration timeout() {
    return Durations.parse(webhook.timeout());
  }

  @Override
  public Duration limit() {
    return timeout().multipliedBy(2);
  }

  @Override
  public List<Problem> problems() {
    var problems = new ArrayList<Problem>();
    var plain = webhook.url() == null ? null : webhook.urlProblem(webhook.url());
    if (plain != null) {
      problems.add(new Problem(PATH + ".url", plain));
    }
    if (isThere(PATH + ".urlSecretRef", webhook.urlSecretRef(), problems)) {
      var wrong = webhook.urlProblem(text(webhook.urlSecretRef()));
      if (wrong != null) {
        problems.add(new Problem(PATH + ".urlSecretRef", "the Secret's value " + wrong));
      }
    }
    for (int i = 0; i < webhook.headers().size(); i++) {
      var path = PATH + ".headers[" + i + "].valueSecretRef";
      var key = webhook.headers().get(i).valueSecretRef();
      if (isThere(path, key, problems) && !text(key).matches("[^\\x00-\\x1F\\x7F]*")) {
        problems.add(new Problem(path, "the Secret's value has line breaks: remove them"));
      }
    }
    return List.copyOf(problems);
  }

  /** Whether a key is configured and exists; adds a problem if it does not exist. */
  private boolean isThere(String path, SecretKey key, List<Problem> problems) {
    if (key != null && !secrets.containsKey(key)) {
      problems.add(
          new Problem(
              path,
              "create the Secret %s with the key %s and the label %s=true"
                  .formatted(key.name(), key.key(), Notifications.SECRET_LABEL)));
      return false;
    }
    return key != null;
  }
}
